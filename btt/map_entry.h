// SPDX-License-Identifier: Apache-2.0
// One entry of the map: the internal block that holds a sector, and its state.
//
//   bit 31 (Z)  bit 30 (E)
//       0           0      initial: never written; the block is the premap number itself
//       0           1      error: reads fail until the next write
//       1           0      zero: reads give zeros
//       1           1      normal
//
// In the error and zero states bits 29..0 still name the block that the sector owns.
#ifndef NVDIMMFS_BTT_MAP_ENTRY_H_
#define NVDIMMFS_BTT_MAP_ENTRY_H_

#include <cstdint>

namespace nvdimmfs::btt {

inline constexpr uint32_t kMapZ = uint32_t{1} << 31;
inline constexpr uint32_t kMapE = uint32_t{1} << 30;
inline constexpr uint32_t kMapFlags = kMapZ | kMapE;
inline constexpr uint32_t kMapBlockMask = ~kMapFlags;

class MapEntry {
 public:
  // `raw` as on media, of the sector `premap` of its arena.
  constexpr MapEntry(uint32_t raw, uint32_t premap) : raw_(raw), premap_(premap) {}

  constexpr uint32_t raw() const { return raw_; }
  constexpr bool initial() const { return (raw_ & kMapFlags) == 0; }
  constexpr bool error() const { return (raw_ & kMapFlags) == kMapE; }
  constexpr bool zero() const { return (raw_ & kMapFlags) == kMapZ; }
  // The internal block that the sector owns. Unchecked: may lie outside the arena.
  constexpr uint32_t block() const { return initial() ? premap_ : raw_ & kMapBlockMask; }

  static constexpr uint32_t Normal(uint32_t block) { return block | kMapFlags; }
  static constexpr uint32_t Error(uint32_t block) { return block | kMapE; }
  static constexpr uint32_t Zero(uint32_t block) { return block | kMapZ; }

 private:
  uint32_t raw_;
  uint32_t premap_;
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_MAP_ENTRY_H_
