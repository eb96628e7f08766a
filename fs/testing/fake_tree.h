// SPDX-License-Identifier: Apache-2.0
// A small tree of fake devices and memory-backed data files, for tests that mount.
//
//   devices/region0/{size,uuid,bind,badblocks,resource,big,x/}   dev/{pmem0,pmem0s}
#ifndef NVDIMMFS_FS_TESTING_FAKE_TREE_H_
#define NVDIMMFS_FS_TESTING_FAKE_TREE_H_

#include <atomic>
#include <memory>
#include <string>

#include "core/media/memory_media.h"
#include "core/model/data_node.h"
#include "fs/testing/fake_model.h"
#include "fs/tree/tree.h"

namespace nvdimmfs::fs {

// Memory that counts flushes.
class CountingMedia final : public core::MemoryMedia {
 public:
  using MemoryMedia::MemoryMedia;
  int flushes() const { return flushes_; }
  absl::Status Flush() override {
    ++flushes_;
    return absl::OkStatus();
  }

 private:
  std::atomic<int> flushes_{0};
};

class FakeTree {
 public:
  explicit FakeTree(uint64_t data_size);

  Tree& tree() { return tree_; }
  FakeModel& model() { return model_; }
  FakeDevice& region() { return *region_; }
  CountingMedia& media() { return *media_; }
  core::DataNode& data() { return *data_; }

  void RemoveRegion();
  // As when a namespace is disabled: refuses new I/O, waits for I/O in flight, removes the file.
  void DisableData();
  // Puts a new node over fresh media in the place of the old one.
  void EnableData(uint64_t size);

 private:
  FakeModel model_;
  Tree tree_;
  std::shared_ptr<FakeDevice> region_;
  std::shared_ptr<CountingMedia> media_;
  std::shared_ptr<core::DataNode> data_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TESTING_FAKE_TREE_H_
