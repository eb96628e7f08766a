// SPDX-License-Identifier: Apache-2.0
// One attribute file of a device: declared once, in a table. The mounted tree, the manual page
// nvdimmfs-tree(7), the tests and the fuzz dictionary all come from it.
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

// What a write takes, in the words of nvdimmfs-tree(7), which explains them; the parsers are those
// of core/base/input.h. An attribute whose words are its own spells them out: "arm | disarm".
struct Grammar {
  static constexpr absl::string_view kUnsigned = "NUMBER";
  static constexpr absl::string_view kBool = "BOOL";
  static constexpr absl::string_view kUuid = "UUID";
  static constexpr absl::string_view kDevice = "DEVICE";    // a device's name: "region0"
  static constexpr absl::string_view kNothing = "nothing";  // every write is refused
};

// Functions run under the configuration lock (Engine). `show` gives the whole content, newline and
// all. `store` gets the written text cut at the first NUL, as the kernel's parsers see it, unless
// `raw_input`.
struct Attribute {
  absl::string_view name;  // "size", or with its directory: "nfit/handle"
  uint16_t mode = 0444;    // permission bits; enforced for everyone
  // The first and the last kernel that have it so. Where something else than its presence differs,
  // a table has several rows of one name, for kernels that do not overlap.
  Kernel since = kOldestKernel;
  Kernel until = kNewestKernel;
  absl::StatusOr<std::string> (*show)(Device&) = nullptr;       // null: cannot be read
  absl::Status (*store)(Device&, absl::string_view) = nullptr;  // null: cannot be written
  // The mode for this device, 0 for hidden; asked once, when the device is registered. Null:
  // `mode`.
  uint16_t (*visible)(const Device&) = nullptr;
  // A command file: takes control commands (fs/files/command_wire.h) instead of text. What ioctl(2)
  // would return.
  absl::StatusOr<int> (*command)(Device&, const Command&) = nullptr;
  bool raw_input = false;  // `store` wants every written byte, NULs and all
  // `store` changes how things are shown alone: it may be written over a read-only source, too.
  bool shows_only = false;
  // For the documentation and the tests. (The engine names the grammar in one refusal.)
  absl::string_view summary = {};  // one line: what it shows, what a write does
  absl::string_view grammar = {};  // what a write takes; empty where nothing can be written
  // Why a write is refused: reasons with blanks between them; "label.*" stands for all that begin
  // so. What every write can be refused with (the device is gone, the tree is read-only) is left
  // out.
  absl::string_view refusals = {};

  constexpr bool IsIn(Kernel kernel) const { return since <= kernel && kernel <= until; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_
