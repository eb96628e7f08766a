// numa_node and target_node, as a region and everything below it show them.
#ifndef NVDIMMFS_CORE_DEVICES_NODE_ATTRIBUTES_H_
#define NVDIMMFS_CORE_DEVICES_NODE_ATTRIBUTES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/devices/attribute.h"

namespace nvdimmfs::core {

// Of `device`, which is a region or a descendant of one.
absl::StatusOr<std::string> ShowNumaNode(Device& device);
absl::StatusOr<std::string> ShowTargetNode(Device& device);
uint16_t TargetNodeMode(const Device& device);  // 0 where no node is known

inline constexpr Attribute kNumaNodeAttribute = {
    .name = "numa_node", .show = ShowNumaNode, .summary = "the node that is near; -1: not known"};
inline constexpr Attribute kTargetNodeAttribute = {.name = "target_node",
                                                   .show = ShowTargetNode,
                                                   .visible = TargetNodeMode,
                                                   .summary = "the memory's own node"};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_NODE_ATTRIBUTES_H_
