// SPDX-License-Identifier: Apache-2.0
#include "btt/geometry.h"

#include <algorithm>

#include "btt/btt_format.h"
#include "core/base/range.h"

namespace nvdimmfs::btt {
namespace {

// `size` is at most kMaxArena and at least kMinArena: nothing below can wrap.
ArenaGeometry MakeArena(uint64_t start, uint64_t size, uint32_t external_lbasize) {
  const uint64_t log_size = core::RoundUp(uint64_t{kLanes} * sizeof(FlogGroup), kBlockAlign);
  const uint64_t available = core::RoundDown(size, kBlockAlign) - 2 * kInfoSize - log_size;

  ArenaGeometry arena;
  arena.start = start;
  arena.size = size;
  arena.nfree = kLanes;
  arena.external_lbasize = external_lbasize;
  arena.internal_lbasize = static_cast<uint32_t>(core::RoundUp(external_lbasize, kInternalAlign));
  // Leaving one page out of the division makes room for rounding the map up.
  arena.internal_nlba =
      static_cast<uint32_t>((available - kBlockAlign) / (arena.internal_lbasize + 4));
  arena.external_nlba = arena.internal_nlba - arena.nfree;
  const uint64_t map_size = core::RoundUp(uint64_t{arena.external_nlba} * 4, kBlockAlign);
  arena.dataoff = kInfoSize;
  arena.mapoff = arena.dataoff + available - map_size;
  arena.logoff = arena.mapoff + map_size;
  arena.info2off = arena.logoff + log_size;
  return arena;
}

}  // namespace

bool IsExternalSize(uint32_t lbasize) {
  return std::find(kExternalSizes.begin(), kExternalSizes.end(), lbasize) != kExternalSizes.end();
}

std::vector<ArenaGeometry> DivideIntoArenas(uint64_t namespace_size, Version version,
                                            uint32_t external_lbasize) {
  std::vector<ArenaGeometry> arenas;
  uint64_t start = InitialOffset(version);
  uint64_t remaining = namespace_size < start ? 0 : namespace_size - start;
  while (remaining >= kMinArena) {
    const uint64_t size = std::min(remaining, kMaxArena);
    arenas.push_back(MakeArena(start, size, external_lbasize));
    start += size;
    remaining -= size;
    if (remaining >= kMinArena) arenas.back().nextoff = size;
  }
  return arenas;
}

}  // namespace nvdimmfs::btt
