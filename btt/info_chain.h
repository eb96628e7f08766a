// SPDX-License-Identifier: Apache-2.0
// The info blocks of a namespace and their copies: what they are, and what they should be.
#ifndef NVDIMMFS_BTT_INFO_CHAIN_H_
#define NVDIMMFS_BTT_INFO_CHAIN_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "btt/geometry.h"
#include "btt/info_block.h"
#include "core/base/finding.h"
#include "core/base/uuid.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// What the info blocks say about one arena.
struct ChainLink {
  ArenaGeometry geometry;
  InfoBlock info;            // the first block, or what it should be
  bool first_valid = true;   // the block at the arena's start
  bool second_equal = true;  // the copy is readable and identical to `info`
};

struct InfoChain {
  std::vector<ChainLink> links;  // arena 0 first; ends before an arena that nothing describes
  std::vector<core::Finding> findings;
};

// Far more arenas than 64 TiB hold at the size that kernels give them.
inline constexpr size_t kMostArenas = 4096;

// Walks the arenas, falling back to copies; writes nothing. Ends after kMostArenas, with a finding:
// a hostile chain of small arenas must not fill memory.
InfoChain WalkInfo(const core::Media& ns, Version version, const core::Uuid& parent_uuid);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_INFO_CHAIN_H_
