#include "core/devices/node_attributes.h"

#include "absl/strings/str_cat.h"
#include "core/devices/region.h"

namespace nvdimmfs::core {
namespace {

const RegionSource& SourceOf(const Device& device) {
  const Device* at = &device;
  while (at->kind() != DeviceKind::kRegion) at = at->parent();
  return static_cast<const Region*>(at)->source();
}

}  // namespace

absl::StatusOr<std::string> ShowNumaNode(Device& device) {
  return absl::StrCat(SourceOf(device).numa_node, "\n");
}

absl::StatusOr<std::string> ShowTargetNode(Device& device) {
  return absl::StrCat(SourceOf(device).target_node, "\n");
}

uint16_t TargetNodeMode(const Device& device) {
  return SourceOf(device).target_node < 0 ? 0 : 0444;
}

}  // namespace nvdimmfs::core
