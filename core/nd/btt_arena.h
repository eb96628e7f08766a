// SPDX-License-Identifier: Apache-2.0
// arenaN of an enabled btt: the values that the kernel shows in /sys/kernel/debug/btt.
#ifndef NVDIMMFS_CORE_ND_BTT_ARENA_H_
#define NVDIMMFS_CORE_ND_BTT_ARENA_H_

#include <string>

#include "core/model/device.h"
#include "core/nd/sector_layer.h"

namespace nvdimmfs::core {

class BttArena final : public Device {
 public:
  // Arena number `index` of `btt`.
  BttArena(const Device& btt, size_t index, const SectorArena& facts);

  const SectorArena& facts() const { return facts_; }
  std::string place() const override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }

 private:
  const std::string btt_name_;
  const SectorArena facts_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_BTT_ARENA_H_
