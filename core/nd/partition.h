// SPDX-License-Identifier: Apache-2.0
// A partition of a disk, below its directory: "pmem0p1", "pmem0s1". The tree does not detect
// partitions; the program that provides the disk as a real block device reports them
// (bus/nd/x/partitions).
#ifndef NVDIMMFS_CORE_ND_PARTITION_H_
#define NVDIMMFS_CORE_ND_PARTITION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/device.h"
#include "core/model/node_numbers.h"

namespace nvdimmfs::core {

class Partition final : public Device {
 public:
  struct Place {
    uint32_t index = 0;  // from 1
    uint64_t start = 0;  // sectors of 512 bytes
    uint64_t sectors = 0;
    DeviceNumber number;

    bool operator==(const Place&) const = default;
    // "1 2048 8192 259:5". Refused with EINVAL, "input.syntax".
    static absl::StatusOr<Place> Parse(absl::string_view line);
  };

  Partition(Device& disk, const Place& place, bool read_only);

  const Place& where() const { return where_; }
  bool read_only() const { return read_only_; }

  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<std::string> directories() const override { return {"holders"}; }
  std::vector<DeviceLink> inner_links() const override { return {{"subsystem", "class/block"}}; }
  std::vector<DeviceLink> links() const override;
  std::string uevent() const override;

 private:
  const Place where_;
  const bool read_only_;
};

// As a kernel names it: with a "p" if the disk's name ends in a digit.
std::string PartitionName(absl::string_view disk, uint32_t index);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_PARTITION_H_
