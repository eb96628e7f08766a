// SPDX-License-Identifier: Apache-2.0
// BTT on media: the structures alone.
//
// An arena is `info | data | map | flog | info2`, every part 4 KiB aligned relative to the arena;
// offsets on media are relative to their own arena's start. Prose, drawing and protocol:
// btt_format.md. Sources: UEFI specification, "Block Translation Table (BTT) layout"; the Linux and
// PMDK formats.
#ifndef NVDIMMFS_BTT_BTT_FORMAT_H_
#define NVDIMMFS_BTT_BTT_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/base/endian.h"

namespace nvdimmfs::btt {

inline constexpr std::array<char, 16> kSignature = {'B', 'T', 'T', '_', 'A', 'R', 'E',  'N',
                                                    'A', '_', 'I', 'N', 'F', 'O', '\0', '\0'};
inline constexpr uint64_t kInfoSize = 4096;
inline constexpr uint64_t kBlockAlign = 4096;             // of every part of an arena
inline constexpr uint64_t kMinArena = uint64_t{1} << 24;  // 16 MiB
inline constexpr uint64_t kMaxArena = uint64_t{1} << 39;  // 512 GiB
inline constexpr uint32_t kLanes = 256;                   // nfree of every BTT written today
inline constexpr uint32_t kInternalAlign = 64;            // the kernel's; PMDK's was 256
inline constexpr uint32_t kInfoFlagError = 1;             // the arena is read-only

struct InfoBlock {
  std::array<char, 16> signature;       //    0  kSignature
  std::array<uint8_t, 16> uuid;         //   16  of the BTT, the same in every arena; printed order
  std::array<uint8_t, 16> parent_uuid;  //   32  of the namespace; nil for a label-less one
  core::le32 flags;                     //   48  kInfoFlagError; others 0
  core::le16 version_major;             //   52  1 or 2
  core::le16 version_minor;             //   54  1 or 0
  core::le32 external_lbasize;          //   56  bytes: 512 520 528 4096 4104 4160 4224
  core::le32 external_nlba;             //   60  blocks that this arena offers
  core::le32 internal_lbasize;          //   64  bytes from block to block in the data area
  core::le32 internal_nlba;             //   68  external_nlba + nfree
  core::le32 nfree;                     //   72  lanes: free blocks, flog groups
  core::le32 infosize;                  //   76  4096
  core::le64 nextoff;                   //   80  to the next arena's start; 0 in the last
  core::le64 dataoff;                   //   88  4096
  core::le64 mapoff;                    //   96
  core::le64 logoff;                    //  104  the flog
  core::le64 info2off;                  //  112  the copy of this block
  std::array<uint8_t, 3968> padding;    //  120  zero
  core::le64 checksum;  // 4088  Fletcher-64 of the 4096 bytes, this field taken as 0
};
static_assert(std::is_trivially_copyable_v<InfoBlock> && alignof(InfoBlock) == 1);
static_assert(offsetof(InfoBlock, flags) == 48 && offsetof(InfoBlock, external_lbasize) == 56);
static_assert(offsetof(InfoBlock, nextoff) == 80 && offsetof(InfoBlock, info2off) == 112);
static_assert(offsetof(InfoBlock, checksum) == 4088 && sizeof(InfoBlock) == kInfoSize);

// One slot of a lane's pair: two words of 8 bytes, the second of which makes the slot count.
struct FlogEntry {
  core::le32 lba;      //  0  premap block of the write
  core::le32 old_map;  //  4  postmap before it, free afterwards; bit 30 (E) may be set
  core::le32 new_map;  //  8  postmap just written
  core::le32 seq;      // 12  1, 2, 3, 1, ...; 0 = never used
};
static_assert(alignof(FlogEntry) == 1 && sizeof(FlogEntry) == 16);
static_assert(offsetof(FlogEntry, new_map) == 8);

// A lane's part of the flog: one cache line. Two of the four slots are in use: (0, 1), or (0, 2)
// when a kernel before 4.15 made it.
struct FlogGroup {
  std::array<FlogEntry, 4> slots;
};
static_assert(alignof(FlogGroup) == 1 && sizeof(FlogGroup) == 64);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_BTT_FORMAT_H_
