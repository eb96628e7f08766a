// SPDX-License-Identifier: Apache-2.0
// Helpers for the tests of the label area.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_TEST_UTIL_H_
#define NVDIMMFS_CORE_LABELS_LABEL_TEST_UTIL_H_

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "core/base/fletcher64.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {

inline Uuid TestUuid(const char* text) { return *Uuid::Parse(text); }

// An area of `size` bytes that begins like core/labels/testdata/`name`.
inline std::shared_ptr<MemoryMedia> GoldenArea(const std::string& name, uint64_t size) {
  std::ifstream file("core/labels/testdata/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  auto media = std::make_shared<MemoryMedia>(size);
  std::memcpy(media->bytes().data(), bytes.data(), bytes.size());
  return media;
}

inline LabelArea MustOpen(std::shared_ptr<Media> media,
                          const LabelVersion& expected = LabelV1_2()) {
  auto area = LabelArea::Open(std::move(media), expected);
  if (!area.ok()) {
    ADD_FAILURE() << area.status();
    std::abort();
  }
  return *std::move(area);
}

inline LabelArea MustInitialise(std::shared_ptr<Media> media, const LabelVersion& version) {
  LabelArea area = MustOpen(std::move(media), version);
  EXPECT_TRUE(area.Initialise(version).ok());
  return area;
}

// Gives an index block of `index_size` bytes at `block` its checksum.
inline void ResealIndex(std::byte* block, uint64_t index_size) {
  StoreLe(block + offsetof(IndexBlock, checksum),
          Fletcher64({block, index_size}, offsetof(IndexBlock, checksum)));
}

// ndctl's init-labels leaves the bitmap bits after the last slot set.
inline void SetPaddingLikeNdctl(MemoryMedia& media) {
  const auto* head = reinterpret_cast<const IndexBlock*>(media.bytes().data());
  const uint64_t index_size = head->my_size;
  const uint32_t slots = head->slot_count;
  for (uint64_t block : {uint64_t{0}, index_size}) {
    std::byte* bitmap = media.bytes().data() + block + sizeof(IndexBlock);
    for (uint32_t bit = slots; bit % 8 != 0; ++bit) bitmap[bit / 8] |= std::byte{1} << (bit % 8);
    ResealIndex(media.bytes().data() + block, index_size);
  }
}

inline std::vector<uint32_t> UsedSlots(const LabelArea& area) {
  std::vector<uint32_t> slots;
  for (const StoredLabel& stored : area.labels()) slots.push_back(stored.slot);
  return slots;
}

// The kernel's rewrite of one label: first marked as being updated, then not. Returns the live
// slot.
inline uint32_t TwoPhase(LabelArea& area, NamespaceLabel label, std::vector<uint32_t> old_slots) {
  label.flags = kLabelUpdating;
  auto first = area.Update(label, old_slots);
  EXPECT_TRUE(first.ok()) << first.status();
  label.flags = 0;
  auto second = area.Update(label, {**first});
  EXPECT_TRUE(second.ok()) << second.status();
  return **second;
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_TEST_UTIL_H_
