// Making a BTT: the arenas' maps, flogs and info blocks (btt_format.md, "Formatting").
#ifndef NVDIMMFS_BTT_FORMATTER_H_
#define NVDIMMFS_BTT_FORMATTER_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "btt/geometry.h"
#include "core/base/uuid.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// Formats `arenas` (of DivideIntoArenas). A cut at any point leaves either a first info block that
// is not valid, or a whole BTT; and no backup info block is valid before everything under it is
// durable. Durable when it returns. Contents of the sectors: whatever the data area holds.
absl::Status FormatArenas(core::Media& ns, absl::Span<const ArenaGeometry> arenas,
                          const core::Uuid& uuid, const core::Uuid& parent_uuid, Version version);

// Zeros over a range, clearing poison on the way: a hole where the media can, else stores. `offset`
// and `length` are multiples of 512. Not durable before the next Drain and Flush.
absl::Status ZeroRange(core::Media& ns, uint64_t offset, uint64_t length);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_FORMATTER_H_
