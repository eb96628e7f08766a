// SPDX-License-Identifier: Apache-2.0
// A device tree of plain files, for tests that need no server: one bus with one region.
#ifndef NVDIMMFS_TOOLS_VOLUMES_TESTING_FAKE_TREE_H_
#define NVDIMMFS_TOOLS_VOLUMES_TESTING_FAKE_TREE_H_

#include <string>
#include <thread>
#include <vector>

#include "tools/volumes/device_tree.h"

namespace nvdimmfs::volumes {

// Thread rules: one thread.
class FakeTree {
 public:
  // Makes the tree at `mountpoint`, without namespaces.
  explicit FakeTree(const std::string& mountpoint);
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  ~FakeTree();

  // Replaces the namespaces of the tree. Each node is a file of the namespace's capacity, with a
  // link in dev/by-uuid; it keeps its bytes while it stays.
  void Show(const std::vector<DeviceTree::Namespace>& namespaces);
  // The namespaces that the tree shows.
  const std::vector<DeviceTree::Namespace>& shown() const { return shown_; }
  // Sets the content of an attribute, without a newline.
  void Set(const std::string& device, const std::string& attribute, const std::string& value);
  // Refuses writes to the attribute with EISDIR, and says `last_error` in x/last_error.json.
  void Refuse(const std::string& device, const std::string& attribute,
              const std::string& last_error);
  // What was written to the attribute; "" if nothing was.
  std::string Written(const std::string& device, const std::string& attribute) const;
  // From now on a write to x/create shows the namespace that it asks for, enabled, and x/create
  // then reads as its device. Call it once.
  void StartCreating();

 private:
  std::string PathOf(const std::string& device, const std::string& attribute) const;
  void Create(const std::string& line);

  const std::string mountpoint_;
  std::vector<DeviceTree::Namespace> shown_;
  std::thread creator_;  // used only while a call of DeviceTree::Create waits for it
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_TESTING_FAKE_TREE_H_
