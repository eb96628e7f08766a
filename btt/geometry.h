// SPDX-License-Identifier: Apache-2.0
// Divides a namespace into arenas, and an arena into its parts. Pure arithmetic.
#ifndef NVDIMMFS_BTT_GEOMETRY_H_
#define NVDIMMFS_BTT_GEOMETRY_H_

#include <array>
#include <cstdint>
#include <vector>

namespace nvdimmfs::btt {

// The two variants, which differ in the version field and in the start of arena 0.
enum class Version {
  kV1_1,  // arena 0 at 4096: the claim classes none and BTT
  kV2_0,  // arena 0 at 0: the claim class BTT2
};

constexpr uint64_t InitialOffset(Version version) { return version == Version::kV1_1 ? 4096 : 0; }
constexpr uint16_t MajorOf(Version version) { return version == Version::kV1_1 ? 1 : 2; }
constexpr uint16_t MinorOf(Version version) { return version == Version::kV1_1 ? 1 : 0; }

inline constexpr std::array<uint32_t, 7> kExternalSizes = {512, 520, 528, 4096, 4104, 4160, 4224};
bool IsExternalSize(uint32_t lbasize);

// The block device's sector size: 4096 or 512. The rest of an external block is per-block metadata.
constexpr uint32_t SectorSizeOf(uint32_t external_lbasize) {
  return external_lbasize >= 4096 ? 4096 : 512;
}

// One arena, checked or computed: every part lies in [0, size), in order, without overlap.
struct ArenaGeometry {
  uint64_t start = 0;  // of the arena, bytes from the start of the namespace
  uint64_t size = 0;   // bytes: to the next arena, or to the end of info2
  uint32_t external_lbasize = 0;
  uint32_t internal_lbasize = 0;
  uint32_t external_nlba = 0;
  uint32_t internal_nlba = 0;
  uint32_t nfree = 0;
  // Bytes from the start of the arena.
  uint64_t nextoff = 0;
  uint64_t dataoff = 0;
  uint64_t mapoff = 0;
  uint64_t logoff = 0;
  uint64_t info2off = 0;

  // Bytes from the start of the namespace. The caller has checked the index.
  uint64_t BlockAt(uint32_t block) const {
    return start + dataoff + uint64_t{block} * internal_lbasize;
  }
  uint64_t MapAt(uint32_t premap) const { return start + mapoff + uint64_t{premap} * 4; }
  uint64_t FlogAt(uint32_t lane) const { return start + logoff + uint64_t{lane} * 64; }
  uint64_t Info2At() const { return start + info2off; }

  friend bool operator==(const ArenaGeometry&, const ArenaGeometry&) = default;
};

// The arenas that formatting creates, in order; none if fewer than 16 MiB follow the initial
// offset. `external_lbasize` is one of kExternalSizes.
std::vector<ArenaGeometry> DivideIntoArenas(uint64_t namespace_size, Version version,
                                            uint32_t external_lbasize);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_GEOMETRY_H_
