// SPDX-License-Identifier: Apache-2.0
// Attributes that the tables of many devices share.
#ifndef NVDIMMFS_CORE_MODEL_COMMON_ATTRIBUTES_H_
#define NVDIMMFS_CORE_MODEL_COMMON_ATTRIBUTES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/attribute.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

absl::StatusOr<std::string> ShowUevent(Device& device);
absl::Status StoreUevent(Device& device, absl::string_view text);
absl::StatusOr<std::string> ShowLastError(Device& device);
absl::StatusOr<std::string> ShowLastErrorJson(Device& device);
absl::StatusOr<std::string> ShowNumaNode(Device& device);
absl::StatusOr<std::string> ShowTargetNode(Device& device);
uint16_t TargetNodeMode(const Device& device);  // 0 if no node is known

inline constexpr char kUeventGrammar[] =
    "ACTION [UUID [KEY=VALUE ...]]; ACTION: add, remove, change, move, online, offline, bind, "
    "unbind";

inline constexpr Attribute kUeventAttribute = {
    .name = "uevent",
    .mode = 0644,
    .show = ShowUevent,
    .store = StoreUevent,
    .raw_input = true,
    .summary =
        "the variables of the device's events; a write asks for an event, which goes nowhere here",
    .grammar = kUeventGrammar,
    .refusals = "uevent.action"};
// A bus or a driver has no variables to show, but its event can be synthesised.
inline constexpr Attribute kUeventTriggerAttribute = {
    .name = "uevent",
    .mode = 0200,
    .store = StoreUevent,
    .raw_input = true,
    .summary = "asks for an event, which goes nowhere here",
    .grammar = kUeventGrammar,
    .refusals = "uevent.action"};
inline constexpr Attribute kLastErrorAttribute = {
    .name = "x/last_error",
    .show = ShowLastError,
    .summary =
        "why the last write to this object, or the last I/O on its file, was refused, and what to "
        "do"};
inline constexpr Attribute kLastErrorJsonAttribute = {
    .name = "x/last_error.json",
    .show = ShowLastErrorJson,
    .summary = "x/last_error for programs: an object of errno, reason and sentence, or null"};
inline constexpr Attribute kNumaNodeAttribute = {
    .name = "numa_node", .show = ShowNumaNode, .summary = "the nearest NUMA node; -1: unknown"};
inline constexpr Attribute kTargetNodeAttribute = {
    .name = "target_node",
    .show = ShowTargetNode,
    .visible = TargetNodeMode,
    .summary = "the NUMA node that the memory becomes when it is online"};

// The file that represents the ioctls of a device node.
constexpr Attribute CommandAttribute(absl::StatusOr<int> (*command)(Device&, const Command&)) {
  return {
      .name = "x/ioctl",
      .mode = 0600,
      .command = command,
      .summary = "control commands (ioctls), for programs",
      .grammar = "a request of fs/files/command_wire.h",
      .refusals = "command.* bus.read_only dimm.* scrub.busy clear_error.active media.* label.*"};
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_COMMON_ATTRIBUTES_H_
