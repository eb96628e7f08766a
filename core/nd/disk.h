// SPDX-License-Identifier: Apache-2.0
// The block device of a namespace, btt or pfn: its directory with the contents of /sys/block, and
// the data file in dev/.
#ifndef NVDIMMFS_CORE_ND_DISK_H_
#define NVDIMMFS_CORE_ND_DISK_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/media/media.h"
#include "core/media/poison_observer.h"
#include "core/model/data_node.h"
#include "core/model/device.h"
#include "core/model/engine.h"
#include "core/model/node_numbers.h"
#include "core/nd/backing_info.h"
#include "core/nd/nd_device.h"
#include "core/nd/partition.h"

namespace nvdimmfs::core {

class Disk final : public Device, public PoisonObserver {
 public:
  struct Options {
    uint32_t block_size = 512;         // logical block size, bytes
    uint32_t metadata_size = 0;        // bytes of integrity metadata per block
    bool atomic_sectors = false;       // a BTT's disk
    bool dax = false;                  // can be mapped directly (fsdax)
    bool fua = false;                  // the region has a deep flush
    bool flushes_caches = true;        // CPU caches are flushed for accesses that bypass the disk
    std::vector<std::string> aliases;  // further names: "dev/by-name/db"
  };

  // Creates the disk `name` below `driving`, registers it and publishes its file. `media` holds its
  // bytes, and `observed` reports which of them are bad.
  static std::shared_ptr<Disk> Attach(NdDevice& driving, std::string name,
                                      std::shared_ptr<Media> media, Media& observed,
                                      Options options);
  // Closes the file, waits for I/O in flight, and removes the disk from the tree.
  void Detach();

  DataNode& node() const { return *node_; }
  const DataNode* data_file() const override { return node_.get(); }
  const Options& options() const { return options_; }
  std::string file() const;  // "dev/pmem0"
  DeviceNumber number() const;
  // The target of its `bdi` link is named by its current number.
  void BeforeNewNumbers() override { HideBackingInfo(); }
  void AfterNewNumbers() override { ShowBackingInfo(); }
  // Replaces the disk's partitions by those found by the program that provides it as a real disk.
  void SetPartitions(std::vector<Partition::Place> places);
  uint64_t sequence() const { return sequence_; }

  std::string place() const override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<std::string> directories() const override { return {"holders", "slaves"}; }
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;
  std::optional<DeviceLink> node_link() const override;
  std::string uevent() const override;
  void Removed() override;
  // Refused while its file is open through kernel passthrough.
  absl::Status CheckStoppable(absl::string_view verb) const override;

  // Drops the kernel's cached pages of the file, which would hide bad bytes.
  void PoisonChanged(PoisonChange change) override;

  // Whether flushing the disk writes CPU caches back: dax/write_cache.
  bool flushes_caches;

 private:
  void ShowBackingInfo();
  void HideBackingInfo();
  Disk(NdDevice& driving, std::string name, std::shared_ptr<DataNode> node, Options options);

  const std::shared_ptr<DataNode> node_;
  const Options options_;
  const uint32_t index_;  // Engine::NumberOf
  const uint64_t sequence_;
  std::shared_ptr<BackingInfo> backing_info_ ABSL_GUARDED_BY(engine().lock());
  std::vector<std::shared_ptr<Partition>> partitions_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_DISK_H_
