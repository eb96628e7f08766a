// One attribute file of a device: declared once, in a table, from which the mounted tree, the
// documentation, the tests and the fuzz dictionary are all driven.
#ifndef NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_
#define NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class Device;
struct Command;

// Functions run under the configuration lock (Engine). `show` gives the whole content, newline and
// all. `store` gets the written text cut at the first NUL, as the kernel's parsers see it, unless
// `raw_input`.
struct Attribute {
  absl::string_view name;  // "size", or with its directory: "nfit/handle"
  uint16_t mode = 0444;    // permission bits; enforced for everyone
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
  absl::string_view summary = {};  // one line for the documentation
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ATTRIBUTE_H_
