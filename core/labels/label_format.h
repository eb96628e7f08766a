// SPDX-License-Identifier: Apache-2.0
// The on-media layout of the label storage area: types, constants and asserts; no behaviour.
//
//   0        index block 0    I bytes each; the current one says which slots are in use
//   I        index block 1
//   2 I      slot 0           L bytes each (128 or 256)
//   2 I + L  slot 1 ...
//
// label_geometry.h computes I and the number of slots from the size of the area. label_format.md
// explains the fields and the order in which they are written. Sources: NVDIMM namespace
// specification (v1.1), UEFI 2.7 section 13.19 "NVDIMM label protocol" (v1.2), CXL 2.1 section
// 9.13.2.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_FORMAT_H_
#define NVDIMMFS_CORE_LABELS_LABEL_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/base/endian.h"
#include "core/base/uuid.h"

namespace nvdimmfs::core {

inline constexpr std::array<char, 16> kIndexSignature = {'N', 'A', 'M', 'E', 'S', 'P', 'A', 'C',
                                                         'E', '_', 'I', 'N', 'D', 'E', 'X', '\0'};
inline constexpr uint64_t kIndexUnit = 256;            // index blocks are multiples of this
inline constexpr uint32_t kLabelSizeV1_1 = 128;        // bytes
inline constexpr uint32_t kLabelSizeV1_2 = 256;        // bytes; CXL labels too
inline constexpr uint32_t kMinSlots = 2;               // one in use, one for its update
inline constexpr uint64_t kMaxLabelArea = 0xffffffff;  // the size commands are 32 bits wide
inline constexpr size_t kLabelNameBytes = 64;          // with at least one NUL
inline constexpr uint32_t kFirstSequence = 3;          // of index block 0 in a fresh area
inline constexpr uint32_t kSecondSequence = 2;         // of index block 1 in a fresh area

// Label flags.
inline constexpr uint32_t kLabelReadOnly = 0x1;   // not honoured, dropped by a rewrite
inline constexpr uint32_t kLabelDimmLocal = 0x2;  // block windows: history, never written
inline constexpr uint32_t kLabelHoldsBtt = 0x4;   // unused
inline constexpr uint32_t kLabelUpdating = 0x8;   // phase 1 of a two-phase rewrite; not read

struct IndexBlock {
  std::array<char, 16> signature;  //  0  kIndexSignature
  std::array<uint8_t, 3> flags;    // 16  written 0, not read
  uint8_t label_size;              // 19  label bytes = 128 << label_size, from version 1.2 on
  le32 sequence;                   // 20  low 2 bits cycle 1, 2, 3; 0 is never valid
  le64 my_offset;                  // 24  of this block within the area: 0 or I
  le64 my_size;                    // 32  written I; 72..I is accepted
  le64 other_offset;               // 40  of the twin
  le64 label_offset;               // 48  of slot 0: 2 I
  le32 slot_count;                 // 56
  le16 major;                      // 60  1; 2: CXL labels
  le16 minor;                      // 62  1: 128-byte labels; 2: 256-byte labels; CXL: 1
  le64 checksum;                   // 64  Fletcher-64 of I bytes, this field taken as 0
                                   // 72  bitmap to the end: bit n (byte n / 8, bit n % 8) is 1
                                   //     while slot n is free
};
static_assert(std::is_trivially_copyable_v<IndexBlock> && alignof(IndexBlock) == 1);
static_assert(offsetof(IndexBlock, label_size) == 19 && offsetof(IndexBlock, sequence) == 20);
static_assert(offsetof(IndexBlock, my_offset) == 24 && offsetof(IndexBlock, my_size) == 32);
static_assert(offsetof(IndexBlock, other_offset) == 40 && offsetof(IndexBlock, label_offset) == 48);
static_assert(offsetof(IndexBlock, slot_count) == 56 && offsetof(IndexBlock, major) == 60);
static_assert(offsetof(IndexBlock, minor) == 62 && offsetof(IndexBlock, checksum) == 64);
static_assert(sizeof(IndexBlock) == 72);

// Version 1.1; also the first 128 bytes of version 1.2. It has no checksum.
struct NamespaceLabelV1_1 {
  Uuid::Bytes uuid;                        //   0  printed order
  std::array<char, kLabelNameBytes> name;  //  16  NUL padded
  le32 flags;                              //  80
  le16 nlabel;                             //  84  DIMMs in the set
  le16 position;                           //  86  of this DIMM in the set, from 0
  le64 isetcookie;                         //  88  interleave_set.h
  le64 lbasize;                            //  96  bytes; 0 stands for 512
  le64 dpa;                                // 104  start of the extent, in this DIMM's address space
  le64 rawsize;                            // 112  bytes of the extent on this DIMM
  le32 slot;                               // 120  its own slot number
  le32 unused;                             // 124  0; v1.2: log2 alignment (0) and 3 reserved bytes
};
static_assert(std::is_trivially_copyable_v<NamespaceLabelV1_1>);
static_assert(alignof(NamespaceLabelV1_1) == 1);
static_assert(offsetof(NamespaceLabelV1_1, name) == 16 &&
              offsetof(NamespaceLabelV1_1, flags) == 80);
static_assert(offsetof(NamespaceLabelV1_1, nlabel) == 84);
static_assert(offsetof(NamespaceLabelV1_1, position) == 86);
static_assert(offsetof(NamespaceLabelV1_1, isetcookie) == 88);
static_assert(offsetof(NamespaceLabelV1_1, lbasize) == 96 &&
              offsetof(NamespaceLabelV1_1, dpa) == 104);
static_assert(offsetof(NamespaceLabelV1_1, rawsize) == 112);
static_assert(offsetof(NamespaceLabelV1_1, slot) == 120);
static_assert(sizeof(NamespaceLabelV1_1) == kLabelSizeV1_1);

struct NamespaceLabelV1_2 {
  NamespaceLabelV1_1 base;           //   0
  Uuid::Bytes type_guid;             // 128  the range's SPA type, GUID order
  Uuid::Bytes abstraction_guid;      // 144  the personality, GUID order; nil: none
  std::array<uint8_t, 88> reserved;  // 160  0
  le64 checksum;                     // 248  Fletcher-64 of 256 bytes, this field taken as 0
};
static_assert(std::is_trivially_copyable_v<NamespaceLabelV1_2>);
static_assert(alignof(NamespaceLabelV1_2) == 1);
static_assert(offsetof(NamespaceLabelV1_2, type_guid) == 128);
static_assert(offsetof(NamespaceLabelV1_2, abstraction_guid) == 144);
static_assert(offsetof(NamespaceLabelV1_2, checksum) == 248);
static_assert(sizeof(NamespaceLabelV1_2) == kLabelSizeV1_2);

// CXL 2.1, index version 2.1. Kernels up to 6.12 use neither kind: they give CXL devices v1.2
// labels.
struct CxlNamespaceLabel {
  Uuid::Bytes type;                        //   0  kCxlNamespaceLabelType, printed order
  Uuid::Bytes uuid;                        //  16  printed order
  std::array<char, kLabelNameBytes> name;  //  32
  le32 flags;                              //  96  kLabelUpdating only
  le16 nrange;                             // 100  discontiguous ranges: 1
  le16 position;                           // 102
  le64 dpa;                                // 104
  le64 rawsize;                            // 112
  le32 slot;                               // 120
  le32 align;                              // 124  units of 256 MiB
  Uuid::Bytes region_uuid;                 // 128  printed order
  Uuid::Bytes abstraction_uuid;            // 144  printed order
  le16 lbasize;                            // 160
  std::array<uint8_t, 86> reserved;        // 162
  le64 checksum;                           // 248
};
static_assert(std::is_trivially_copyable_v<CxlNamespaceLabel> && alignof(CxlNamespaceLabel) == 1);
static_assert(offsetof(CxlNamespaceLabel, name) == 32 && offsetof(CxlNamespaceLabel, flags) == 96);
static_assert(offsetof(CxlNamespaceLabel, dpa) == 104 && offsetof(CxlNamespaceLabel, slot) == 120);
static_assert(offsetof(CxlNamespaceLabel, region_uuid) == 128);
static_assert(offsetof(CxlNamespaceLabel, lbasize) == 160);
static_assert(offsetof(CxlNamespaceLabel, checksum) == 248);
static_assert(sizeof(CxlNamespaceLabel) == kLabelSizeV1_2);

struct CxlRegionLabel {
  Uuid::Bytes type;                   //   0  kCxlRegionLabelType, printed order
  Uuid::Bytes uuid;                   //  16  printed order
  le32 flags;                         //  32  kLabelUpdating only
  le16 nlabel;                        //  36  interleave ways
  le16 position;                      //  38
  le64 dpa;                           //  40
  le64 rawsize;                       //  48  this DIMM's share
  le64 hpa;                           //  56  mandatory system address
  le32 slot;                          //  64
  le32 granularity;                   //  68  interleave granularity = 256 << granularity
  le32 align;                         //  72  units of 256 MiB
  std::array<uint8_t, 172> reserved;  //  76
  le64 checksum;                      // 248
};
static_assert(std::is_trivially_copyable_v<CxlRegionLabel> && alignof(CxlRegionLabel) == 1);
static_assert(offsetof(CxlRegionLabel, dpa) == 40 && offsetof(CxlRegionLabel, hpa) == 56);
static_assert(offsetof(CxlRegionLabel, slot) == 64 && offsetof(CxlRegionLabel, align) == 72);
static_assert(offsetof(CxlRegionLabel, checksum) == 248);
static_assert(sizeof(CxlRegionLabel) == kLabelSizeV1_2);

// Abstraction GUIDs, SPA range type and CXL label types, in printed order.
inline constexpr Uuid kBttGuid(Uuid::Bytes{// 8aed63a2-29a2-4c66-8b12-f05d15d3922a
                                           0x8a, 0xed, 0x63, 0xa2, 0x29, 0xa2, 0x4c, 0x66,  //
                                           0x8b, 0x12, 0xf0, 0x5d, 0x15, 0xd3, 0x92, 0x2a});
inline constexpr Uuid kBtt2Guid(Uuid::Bytes{// 18633bfc-1735-4217-8ac9-17239282d3f8
                                            0x18, 0x63, 0x3b, 0xfc, 0x17, 0x35, 0x42, 0x17,  //
                                            0x8a, 0xc9, 0x17, 0x23, 0x92, 0x82, 0xd3, 0xf8});
inline constexpr Uuid kPfnGuid(Uuid::Bytes{// 266400ba-fb9f-4677-bcb0-968f11d0d225
                                           0x26, 0x64, 0x00, 0xba, 0xfb, 0x9f, 0x46, 0x77,  //
                                           0xbc, 0xb0, 0x96, 0x8f, 0x11, 0xd0, 0xd2, 0x25});
inline constexpr Uuid kDaxGuid(Uuid::Bytes{// 97a86d9c-3cdd-4eda-986f-5068b4f80088
                                           0x97, 0xa8, 0x6d, 0x9c, 0x3c, 0xdd, 0x4e, 0xda,  //
                                           0x98, 0x6f, 0x50, 0x68, 0xb4, 0xf8, 0x00, 0x88});
inline constexpr Uuid kPmemRangeGuid(Uuid::Bytes{// 66f0d379-b4f3-4074-ac43-0d3318b78cdb
                                                 0x66, 0xf0, 0xd3, 0x79, 0xb4, 0xf3, 0x40, 0x74,  //
                                                 0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c, 0xdb});
inline constexpr Uuid kCxlRegionLabelType(Uuid::Bytes{
    // 529d7c61-da07-47c4-a93f-ecdf2c06f444
    0x52, 0x9d, 0x7c, 0x61, 0xda, 0x07, 0x47, 0xc4,  //
    0xa9, 0x3f, 0xec, 0xdf, 0x2c, 0x06, 0xf4, 0x44});
inline constexpr Uuid kCxlNamespaceLabelType(Uuid::Bytes{
    // 68bb2c0a-5a77-4937-9f85-3caf41a0f93c
    0x68, 0xbb, 0x2c, 0x0a, 0x5a, 0x77, 0x49, 0x37,  //
    0x9f, 0x85, 0x3c, 0xaf, 0x41, 0xa0, 0xf9, 0x3c});

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_FORMAT_H_
