// SPDX-License-Identifier: Apache-2.0
// Reads, validates and creates the info block of a pfn or dax device.
#ifndef NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_H_
#define NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/info_blocks/info_block_format.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

// A validated info block: every field is safe to compute with.
struct InfoBlockView {
  Uuid uuid;
  InfoBlockMode mode = InfoBlockMode::kNone;
  uint64_t align = 0;      // bytes, as the device's `align` shows it
  uint64_t dataoff = 0;    // bytes, from namespace start + start_pad
  uint64_t start_pad = 0;  // bytes
  uint64_t end_trunc = 0;  // bytes

  // The data, within a namespace of `size` bytes. ENXIO if nothing is left.
  absl::StatusOr<Range> Data(uint64_t size) const;
};

// The configuration of the device, if it already has one; a block that differs from it is refused.
struct InfoBlockWish {
  bool configured = false;
  Uuid uuid;
  InfoBlockMode mode = InfoBlockMode::kNone;
  uint64_t align = 0;
};

// Whether the 16 bytes at kInfoBlockOffset are the signature of a pfn or dax. This cheap test
// precedes ReadInfoBlock, since most namespaces have no info block.
bool IsInfoBlockSignature(absl::Span<const std::byte> bytes);

// `spa` is the namespace's address range: alignment refers to addresses. ENODEV, "info.*": there is
// no such block ("info.checksum": there is a damaged block of this namespace). EOPNOTSUPP: there is
// one, but it cannot be used. ENXIO: unreadable, or without a mode.
absl::StatusOr<InfoBlockView> ReadInfoBlock(const Media& ns, bool dax, const Uuid& parent_uuid,
                                            const Range& spa, const InfoBlockWish& wish);

// The lowest address, `least` or above, for a namespace of `size` bytes at which ReadInfoBlock does
// not refuse the block because of its address. Nothing if there is none, or the block cannot be
// read.
std::optional<uint64_t> FittingAddress(const Media& ns, uint64_t size, uint64_t least);

// Creates a new block for a namespace at `spa`. EINVAL: the start is not a multiple of 2 MiB;
// ENXIO: no mode, or too small for the alignment.
absl::StatusOr<InfoBlock> MakeInfoBlock(bool dax, const Uuid& uuid, const Uuid& parent_uuid,
                                        const Range& spa, InfoBlockMode mode, uint64_t align);

absl::Status WriteInfoBlock(Media& ns, const InfoBlock& block);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_H_
