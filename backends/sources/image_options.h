// SPDX-License-Identifier: Apache-2.0
// The options of sources that consist of image files.
#ifndef NVDIMMFS_BACKENDS_SOURCES_IMAGE_OPTIONS_H_
#define NVDIMMFS_BACKENDS_SOURCES_IMAGE_OPTIONS_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "backends/image_backend.h"
#include "backends/qemu_slot.h"
#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kImageOptions[] = {
    "label_size", "hide_labels", "labels", "size",  "slot",
    "serial",     "spa",         "format", "force", "durability"};

// Reads the options of `arguments` that are in kImageOptions, and read_only. Refused with EINVAL,
// "source.option", for an invalid value.
absl::StatusOr<ImageOptions> ReadImageOptions(const SourceArguments& arguments);

// Reads spa=, the address of a DIMM of `size` bytes; nothing if it is not given. Refused likewise.
absl::StatusOr<std::optional<uint64_t>> ReadAddress(const SourceArguments& arguments,
                                                    uint64_t size);

// Reads slot= and serial=; ignores other options. Refused likewise.
absl::StatusOr<SlotWish> ReadSlotWish(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_IMAGE_OPTIONS_H_
