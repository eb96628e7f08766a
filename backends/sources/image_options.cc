// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/image_options.h"

#include "backends/guest_layout.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr std::pair<absl::string_view, Durability> kDurabilities[] = {
    {"auto", Durability::kAuto},
    {"process", Durability::kProcess},
    {"power", Durability::kPower},
};

absl::StatusOr<Durability> ReadDurability(const std::string& value) {
  for (const auto& [word, durability] : kDurabilities)
    if (value == word) return durability;
  return BadOption("durability", value, "needs auto, process or power");
}

}  // namespace

absl::StatusOr<SlotWish> ReadSlotWish(const SourceArguments& arguments) {
  SlotWish wish;
  for (const auto& [key, value] : arguments.options) {
    if (key != "slot" && key != "serial") continue;
    const auto number = core::ParseUnsigned(value);
    const uint64_t limit = key == "slot" ? backends::kQemuSlots : uint64_t{1} << 32;
    if (!number.ok() || *number >= limit)
      return BadOption(key, value,
                       key == "slot" ? "needs the number of a slot of QEMU's, 0 to 255"
                                     : "needs a serial number: 0x123456, of 32 bits");
    (key == "slot" ? wish.slot : wish.serial) = static_cast<uint32_t>(*number);
  }
  return wish;
}

absl::StatusOr<std::optional<uint64_t>> ReadAddress(const SourceArguments& arguments,
                                                    uint64_t size) {
  std::optional<uint64_t> address;
  for (const auto& [key, value] : arguments.options) {
    if (key != "spa") continue;
    const auto read = core::ParseSize(value);
    if (!read.ok() || !IsRegionAddress(*read, size))
      return BadOption(key, value,
                       "needs the address of the DIMM in the guest: a multiple of 4096 below 2^62, "
                       "such as 0x110000000");
    address = *read;
  }
  return address;
}

absl::StatusOr<ImageOptions> ReadImageOptions(const SourceArguments& arguments) {
  ImageOptions options;
  options.read_only = arguments.read_only;
  for (const auto& [key, value] : arguments.options) {
    if (key == "label_size") {
      const auto size = core::ParseSize(value);
      if (!size.ok()) return BadOption(key, value, "needs a size in bytes, or with K, M or G");
      options.label_size = *size;
    } else if (key == "size") {
      const auto size = core::ParseSize(value);
      if (!size.ok()) return BadOption(key, value, "needs a size in bytes, or with K, M or G");
      options.size = *size;
    } else if (key == "hide_labels") {
      options.hide_labels = true;
    } else if (key == "format") {
      if (value != "raw")
        return BadOption(key, value, "only raw: the bytes of the file are those of the DIMM");
      options.raw = true;
    } else if (key == "labels") {
      if (value.empty()) return BadOption(key, value, "needs the name of a file");
      options.labels = value;
    } else if (key == "force") {
      options.force = true;
    } else if (key == "durability") {
      ASSIGN_OR_RETURN(options.durability, ReadDurability(value));
    }
  }
  return options;
}

}  // namespace nvdimmfs::backends
