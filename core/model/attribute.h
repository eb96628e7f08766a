// SPDX-License-Identifier: Apache-2.0
// One attribute file of a device, declared once, in a table. The mounted tree, the manual page
// nvdimmfs-tree(7), the tests and the fuzz dictionary are all generated from it.
#ifndef NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_
#define NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/kernel.h"

namespace nvdimmfs::core {

class Device;
struct Command;

// What a write accepts, in the terms of nvdimmfs-tree(7), which explains them; the parsers are in
// core/base/input.h. An attribute with keywords of its own spells them out: "arm | disarm".
struct Grammar {
  static constexpr absl::string_view kUnsigned = "NUMBER";
  static constexpr absl::string_view kBool = "BOOL";
  static constexpr absl::string_view kUuid = "UUID";
  static constexpr absl::string_view kDevice = "DEVICE";    // a device's name: "region0"
  static constexpr absl::string_view kNothing = "nothing";  // every write is refused
};

// The functions run under the configuration lock (Engine). `show` returns the whole content,
// including the final newline. Unless `raw_input` is set, `store` gets the written text cut at the
// first NUL, as the kernel's parsers see it.
struct Attribute {
  absl::string_view name;  // "size", or with its directory: "nfit/handle"
  uint16_t mode = 0444;    // permission bits; enforced for everyone
  // The first and the last kernel with this attribute. If kernels differ in more than its presence,
  // a table has several rows of the same name, for disjoint ranges of kernels.
  Kernel since = kOldestKernel;
  Kernel until = kNewestKernel;
  absl::StatusOr<std::string> (*show)(Device&) = nullptr;       // null: cannot be read
  absl::Status (*store)(Device&, absl::string_view) = nullptr;  // null: cannot be written
  // Returns the mode for this device, 0 if hidden; called once, when the device is registered.
  // Null: `mode` applies.
  uint16_t (*visible)(const Device&) = nullptr;
  // A command file: takes control commands (fs/files/command_wire.h) instead of text. Returns what
  // ioctl(2) would return.
  absl::StatusOr<int> (*command)(Device&, const Command&) = nullptr;
  bool raw_input = false;  // `store` gets every written byte, including NULs
  // `store` only changes how things are shown, so it can be written even if the source is
  // read-only.
  bool shows_only = false;
  // For the documentation and the tests. (One refusal of the engine also quotes the grammar.)
  absl::string_view summary = {};  // one line: what it shows and what a write does
  absl::string_view grammar = {};  // what a write accepts; empty if it cannot be written
  // Why a write can be refused: reasons separated by blanks; "label.*" stands for all reasons with
  // that prefix. Refusals that every write can meet (the device is gone, the tree is read-only) are
  // left out.
  absl::string_view refusals = {};

  constexpr bool IsIn(Kernel kernel) const { return since <= kernel && kernel <= until; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_
