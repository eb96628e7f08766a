// SPDX-License-Identifier: Apache-2.0
// The block device below whatever drives a namespace: its directory with what /sys/block shows, and
// the data file below dev/.
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
    uint32_t metadata_size = 0;        // bytes with each block, for an integrity payload
    bool atomic_sectors = false;       // a BTT's disk
    bool dax = false;                  // can be mapped directly (fsdax)
    bool fua = false;                  // the region has a deep flush
    bool flushes_caches = true;        // CPU caches are flushed for what goes past the disk
    std::vector<std::string> aliases;  // further names: "dev/by-name/db"
  };

  // Makes the disk `name` below `driving`, registers it and opens its file to the world. `media` is
  // its bytes, and `observed` whatever says that some of them are bad.
  static std::shared_ptr<Disk> Attach(NdDevice& driving, std::string name,
                                      std::shared_ptr<Media> media, Media& observed,
                                      Options options);
  // Closes the file, waiting for I/O under way, and takes the disk out of the tree.
  void Detach();

  DataNode& node() const { return *node_; }
  const DataNode* data_file() const override { return node_.get(); }
  const Options& options() const { return options_; }
  std::string file() const;  // "dev/pmem0"
  DeviceNumber number() const;
  // What its link `bdi` leads to is there under its number of the moment.
  void BeforeNewNumbers() override { HideBackingInfo(); }
  void AfterNewNumbers() override { ShowBackingInfo(); }
  // Sets those that the disk has, as the program found that makes a real disk of it. Others go.
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
  // Refused while its file is open by kernel passthrough.
  absl::Status CheckStoppable(absl::string_view verb) const override;

  // The kernel's pages of the file must not hide what went bad.
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
