// SPDX-License-Identifier: Apache-2.0
// Reading, judging and making the info block of a pfn or dax device.
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

// A checked info block: every field is safe to compute with.
struct InfoBlockView {
  Uuid uuid;
  InfoBlockMode mode = InfoBlockMode::kNone;
  uint64_t align = 0;      // bytes, as the device's `align` shows it
  uint64_t dataoff = 0;    // bytes, from namespace start + start_pad
  uint64_t start_pad = 0;  // bytes
  uint64_t end_trunc = 0;  // bytes

  // The data, within a namespace of `size` bytes. ENXIO where nothing is left.
  absl::StatusOr<Range> Data(uint64_t size) const;
};

// What the device wants, where it was configured already; a mismatch refuses the block.
struct InfoBlockWish {
  bool configured = false;
  Uuid uuid;
  InfoBlockMode mode = InfoBlockMode::kNone;
  uint64_t align = 0;
};

// Whether ReadInfoBlock may find one, of a pfn or of a dax, by the 16 bytes at kInfoBlockOffset
// alone: nearly always there is none.
bool IsInfoBlockSignature(absl::Span<const std::byte> bytes);

// `spa` is the namespace's address range: alignment is judged on addresses. ENODEV, "info.*": there
// is not such a block ("info.checksum": what is there was one of this namespace). EOPNOTSUPP: there
// is one that cannot be used. ENXIO: unreadable, or of no mode.
absl::StatusOr<InfoBlockView> ReadInfoBlock(const Media& ns, bool dax, const Uuid& parent_uuid,
                                            const Range& spa, const InfoBlockWish& wish);

// The first address from `least` on at which ReadInfoBlock would not refuse the block for where
// the namespace of `size` bytes lies; nothing where there is none, or the block cannot be read.
std::optional<uint64_t> FittingAddress(const Media& ns, uint64_t size, uint64_t least);

// A fresh block for a namespace at `spa`. EINVAL: the start is not a multiple of 2 MiB; ENXIO: no
// mode, or no room for the alignment.
absl::StatusOr<InfoBlock> MakeInfoBlock(bool dax, const Uuid& uuid, const Uuid& parent_uuid,
                                        const Range& spa, InfoBlockMode mode, uint64_t align);

absl::Status WriteInfoBlock(Media& ns, const InfoBlock& block);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_H_
