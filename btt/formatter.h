// SPDX-License-Identifier: Apache-2.0
// Formats a BTT: the arenas' maps, flogs and info blocks (btt_format.md, "Formatting").
#ifndef NVDIMMFS_BTT_FORMATTER_H_
#define NVDIMMFS_BTT_FORMATTER_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "btt/geometry.h"
#include "core/base/uuid.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// Formats `arenas` (of DivideIntoArenas). A cut at any point leaves either an invalid first info
// block or a complete BTT, and no backup info block is valid before everything it describes is
// durable. Durable on return. The sectors contain whatever the data area holds.
absl::Status FormatArenas(core::Media& ns, absl::Span<const ArenaGeometry> arenas,
                          const core::Uuid& uuid, const core::Uuid& parent_uuid, Version version);

// Zeroes a range and clears its poison: by a hole if the media supports it, else by stores.
// `offset` and `length` are multiples of 512. Not durable before the next Drain and Flush.
absl::Status ZeroRange(core::Media& ns, uint64_t offset, uint64_t length);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_FORMATTER_H_
