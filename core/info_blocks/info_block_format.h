// SPDX-License-Identifier: Apache-2.0
// The info block of a pfn (fsdax) or dax (devdax) device: 4096 bytes at namespace offset 4096.
// Layout and history: info_block_format.md. All integers little-endian, UUIDs in printed order.
#ifndef NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_FORMAT_H_
#define NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/endian.h"

namespace nvdimmfs::core {

inline constexpr uint64_t kInfoBlockOffset = 4096;   // bytes, in the namespace
inline constexpr uint64_t kInfoBlockReserve = 8192;  // bytes before any data
inline constexpr std::array<char, 16> kPfnSignature = {'N', 'V', 'D', 'I', 'M', 'M', '_', 'P',
                                                       'F', 'N', '_', 'I', 'N', 'F', 'O', '\0'};
inline constexpr std::array<char, 16> kDaxSignature = {'N', 'V', 'D', 'I', 'M', 'M', '_', 'D',
                                                       'A', 'X', '_', 'I', 'N', 'F', 'O', '\0'};

struct InfoBlock {
  std::array<char, 16> signature;       //    0  kPfnSignature or kDaxSignature
  std::array<uint8_t, 16> uuid;         //   16  the pfn's or dax's own
  std::array<uint8_t, 16> parent_uuid;  //   32  the namespace's; zero when label-less
  le32 flags;                           //   48  0
  le16 version_major;                   //   52  1; not checked
  le16 version_minor;                   //   54  4
  le64 dataoff;                         //   56  first data byte, from namespace start + start_pad
  le64 npfns;                           //   64  data pages
  le32 mode;                            //   72  InfoBlockMode
  le32 start_pad;                       //   76  bytes skipped at the start; from 1.1
  le32 end_trunc;                       //   80  bytes dropped at the end; from 1.1
  le32 align;                           //   84  bytes; from 1.2
  le32 page_size;                       //   88  bytes, of the creator; from 1.4
  le16 page_struct_size;                //   92  bytes reserved per page struct; from 1.4
  std::array<uint8_t, 3994> padding;    //   94  0
  le64 checksum;                        // 4088  Fletcher-64 with this field taken as 0
};
static_assert(sizeof(InfoBlock) == 4096 && alignof(InfoBlock) == 1);
static_assert(offsetof(InfoBlock, dataoff) == 56 && offsetof(InfoBlock, mode) == 72);
static_assert(offsetof(InfoBlock, page_struct_size) == 92 && offsetof(InfoBlock, checksum) == 4088);

enum class InfoBlockMode : uint32_t {
  kNone = 0,
  kRam = 1,   // page structs in DRAM (map=mem)
  kPmem = 2,  // page structs on the media (map=dev)
};

inline constexpr uint64_t kInfoPageSize = 4096;
inline constexpr uint64_t kPageStructSize = 64;
inline constexpr uint64_t kMemremapAlign = 2 << 20;  // bytes; x86-64 maps multiples of this
inline constexpr uint64_t kSupportedAligns[] = {4096, 2097152, 1073741824};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_INFO_BLOCKS_INFO_BLOCK_FORMAT_H_
