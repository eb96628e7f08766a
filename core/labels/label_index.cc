// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_index.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/fletcher64.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

constexpr uint32_t kSequenceMask = 3;
constexpr std::byte kAllFree{0xff};

absl::Status Invalid(absl::string_view reason, int position, absl::string_view what) {
  return Refusal(EINVAL, reason, absl::StrCat("label index block ", position, ": ", what));
}

LabelVersionNumber NumberOf(const IndexBlock& head) { return {head.major, head.minor}; }

// From version 1.2 on, the block states its label size, even if the version is unknown; earlier
// labels have 128 bytes. Kernels compare the version like this.
bool StatesLabelSize(const IndexBlock& head) {
  return uint32_t{head.major} * 100 + head.minor >= 102;
}

bool LabelSizeMatches(const IndexBlock& head, uint32_t label_size) {
  if (!StatesLabelSize(head)) return label_size == kLabelSizeV1_1;
  return head.label_size <= 1 && kLabelSizeV1_1 << head.label_size == label_size;
}

absl::Status CheckPlace(const IndexBlock& head, const LabelGeometry& geometry, int position) {
  if (head.my_offset != geometry.index_offset(position))
    return Invalid("label.index.my_offset", position,
                   absl::StrCat("states offset ", uint64_t{head.my_offset}, ", found at ",
                                geometry.index_offset(position)));
  if (head.other_offset != geometry.index_offset(1 - position))
    return Invalid("label.index.other_offset", position,
                   absl::StrCat("states offset ", uint64_t{head.other_offset}, ", expected ",
                                geometry.index_offset(1 - position)));
  if (head.label_offset != geometry.label_offset())
    return Invalid("label.index.label_offset", position,
                   absl::StrCat("states offset ", uint64_t{head.label_offset}, ", expected ",
                                geometry.label_offset()));
  if (head.my_size < sizeof(IndexBlock) || head.my_size > geometry.index_size)
    return Invalid("label.index.my_size", position,
                   absl::StrCat("states a size of ", uint64_t{head.my_size}, " bytes; allowed: ",
                                sizeof(IndexBlock), " to ", geometry.index_size));
  return absl::OkStatus();
}

// Checks that the slots fit in the area, and the bitmap in its block. Kernels lack the second
// check: for a few odd area sizes, without it the bitmap would extend into the twin.
absl::Status CheckSlotCount(uint32_t slots, const LabelGeometry& geometry, int position) {
  const uint64_t end = geometry.label_offset() + uint64_t{slots} * geometry.label_size;
  if (end <= geometry.area_size && slots <= geometry.bitmap_size() * 8) return absl::OkStatus();
  return Invalid("label.index.slot_count", position,
                 absl::StrCat("claims ", slots, " slots of ", geometry.label_size,
                              " bytes, more than the area of ", geometry.area_size,
                              " bytes has room for (", geometry.slot_count, ")"));
}

}  // namespace

LabelIndex LabelIndex::Fresh(const LabelGeometry& geometry, const LabelVersion& version) {
  LabelIndex index;
  index.slot_count_ = geometry.slot_count;
  index.bitmap_.resize(geometry.bitmap_size());
  index.set_version(version);
  index.SetAllFree();
  return index;
}

absl::StatusOr<LabelIndex> LabelIndex::Parse(absl::Span<const std::byte> block,
                                             const LabelGeometry& geometry, int position) {
  IndexBlock head;
  if (block.size() != geometry.index_size || block.size() < sizeof head)
    return Invalid("label.index.my_size", position, "is truncated");
  std::memcpy(static_cast<void*>(&head), block.data(), sizeof head);
  if (head.signature != kIndexSignature)
    return Invalid("label.index.signature", position, "has no NAMESPACE_INDEX signature");
  if (head.label_size > 1 && StatesLabelSize(head))
    return Invalid(
        "label.index.label_size", position,
        absl::StrCat("states labels of 128 << ", head.label_size, " bytes (label size code ",
                     head.label_size, "); only the codes 0 (128) and 1 (256) exist"));
  if (!LabelSizeMatches(head, geometry.label_size))
    return Invalid(
        "label.index.label_size", position,
        absl::StrCat("version ", NumberOf(head).ToString(), " with label size code ",
                     head.label_size, " does not describe ", geometry.label_size, "-byte labels"));
  const uint64_t computed = Fletcher64(block, offsetof(IndexBlock, checksum));
  if (head.checksum != computed)
    return Invalid("label.index.checksum", position,
                   absl::StrCat("fails its checksum (stored 0x", absl::Hex(uint64_t{head.checksum}),
                                ", computed 0x", absl::Hex(computed), ")"));
  if ((head.sequence & kSequenceMask) == 0)
    return Invalid("label.index.sequence", position, "has sequence 0, which is never written");
  RETURN_IF_ERROR(CheckPlace(head, geometry, position));
  RETURN_IF_ERROR(CheckSlotCount(head.slot_count, geometry, position));

  LabelIndex index;
  index.sequence_ = head.sequence & kSequenceMask;
  index.number_ = NumberOf(head);
  index.slot_count_ = head.slot_count;
  index.bitmap_.assign(block.begin() + sizeof head, block.end());
  return index;
}

std::vector<std::byte> LabelIndex::Encode(const LabelGeometry& geometry, int position) const {
  IndexBlock head{};
  head.signature = kIndexSignature;
  head.label_size = geometry.label_size == kLabelSizeV1_1 ? 0 : 1;
  head.sequence = sequence_;
  head.my_offset = geometry.index_offset(position);
  head.my_size = geometry.index_size;
  head.other_offset = geometry.index_offset(1 - position);
  head.label_offset = geometry.label_offset();
  head.slot_count = slot_count_;
  head.major = number_.major;
  head.minor = number_.minor;

  std::vector<std::byte> block(geometry.index_size);
  std::memcpy(block.data() + sizeof head, bitmap_.data(), bitmap_.size());
  std::memcpy(block.data(), &head, sizeof head);
  StoreLe(block.data() + offsetof(IndexBlock, checksum),
          Fletcher64(block, offsetof(IndexBlock, checksum)));
  return block;
}

bool LabelIndex::IsFree(uint32_t slot) const {
  return (bitmap_[slot / 8] >> (slot % 8) & std::byte{1}) != std::byte{0};
}

void LabelIndex::SetFree(uint32_t slot, bool free) {
  const std::byte bit = std::byte{1} << (slot % 8);
  if (free) {
    bitmap_[slot / 8] |= bit;
  } else {
    bitmap_[slot / 8] &= ~bit;
  }
}

void LabelIndex::SetAllFree() {
  std::memset(bitmap_.data(), 0xff, slot_count_ / 8);
  for (uint32_t slot = slot_count_ / 8 * 8; slot < slot_count_; ++slot) SetFree(slot, true);
}

uint32_t LabelIndex::CountFree() const {
  uint32_t count = 0, slot = 0;
  for (; slot + 64 <= slot_count_; slot += 64)
    count += std::popcount(LoadLe<uint64_t>(bitmap_.data() + slot / 8));
  for (; slot < slot_count_; ++slot) count += IsFree(slot);
  return count;
}

std::optional<uint32_t> LabelIndex::LowestFree() const {
  for (uint32_t slot = 0; slot < slot_count_; ++slot) {
    if (slot % 8 == 0 && bitmap_[slot / 8] == std::byte{0}) {
      slot += 7;  // a byte of used slots
      continue;
    }
    if (IsFree(slot)) return slot;
  }
  return std::nullopt;
}

std::optional<uint32_t> LabelIndex::NextUsed(uint32_t from) const {
  for (uint64_t slot = from; slot < slot_count_; ++slot) {
    if (slot % 8 == 0 && bitmap_[slot / 8] == kAllFree) {
      slot += 7;  // a byte of free slots
      continue;
    }
    if (!IsFree(static_cast<uint32_t>(slot))) return static_cast<uint32_t>(slot);
  }
  return std::nullopt;
}

uint32_t NextSequence(uint32_t sequence) { return sequence % 3 + 1; }

int NewerIndex(uint32_t sequence0, uint32_t sequence1) {
  return sequence0 == sequence1 || NextSequence(sequence0) == sequence1 ? 1 : 0;
}

}  // namespace nvdimmfs::core
