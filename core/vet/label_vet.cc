// SPDX-License-Identifier: Apache-2.0
#include "core/vet/label_vet.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"
#include "core/vet/slot_vet.h"

namespace nvdimmfs::core {
namespace {

constexpr uint32_t kMostLabelSizeCode = 1;
constexpr uint32_t kSequenceMask = 3;
constexpr uint64_t kWordBits = 64;

// Kernels compare the version like this (label_index.cc).
bool StatesLabelSize(const IndexBlock& head) {
  return uint32_t{head.major} * 100 + head.minor >= 102;
}

// Whether the bits from `slots` to `end` are 1, and all later ones 0.
bool PaddingEnds(absl::Span<const std::byte> bitmap, uint64_t slots, uint64_t end) {
  for (uint64_t bit = slots; bit < bitmap.size() * 8; ++bit) {
    const bool set = (bitmap[bit / 8] >> (bit % 8) & std::byte{1}) != std::byte{0};
    if (set != (bit < end)) return false;
  }
  return true;
}

// One index block as it is on media.
struct RawBlock {
  std::vector<std::byte> bytes;
  IndexBlock head;
  uint64_t offset = 0;  // in the area
  int position = 0;

  bool has_signature() const { return head.signature == kIndexSignature; }
  std::string name() const {
    return absl::StrCat("label index block ", position, " at offset ", offset);
  }
};

class AreaVet {
 public:
  AreaVet(const Media& area, uint64_t capacity) : area_(area), capacity_(capacity) {}

  absl::StatusOr<LabelVet> Run() {
    std::optional<IndexPair> chosen;
    size_t sizes_with_index = 0;
    for (const LabelGeometry& geometry : LabelGeometries(area_.size())) {
      ASSIGN_OR_RETURN(IndexPair pair, IndexPair::Read(area_, geometry));
      RETURN_IF_ERROR(VetPair(pair));
      if (!pair.current()) continue;
      ++sizes_with_index;
      if (!chosen) chosen = std::move(pair);
    }
    if (!chosen) return std::move(vet_);
    if (sizes_with_index > 1)
      Report("label.index.two_sizes", 0, chosen->geometry.label_offset(),
             "there are valid index blocks both for labels of 128 and of 256 bytes");
    RETURN_IF_ERROR(VetSlots(*chosen));
    return std::move(vet_);
  }

 private:
  void Report(std::string reason, uint64_t offset, uint64_t length, std::string sentence) {
    vet_.findings.push_back(
        {{.reason = std::move(reason), .offset = offset, .sentence = std::move(sentence)}, length});
  }

  // --- The index blocks ---

  absl::StatusOr<RawBlock> BlockAt(const LabelGeometry& geometry, int position) const {
    RawBlock block{.bytes = std::vector<std::byte>(geometry.index_size),
                   .head = {},
                   .offset = geometry.index_offset(position),
                   .position = position};
    RETURN_IF_ERROR(area_.Read(block.offset, absl::MakeSpan(block.bytes)));
    std::memcpy(static_cast<void*>(&block.head), block.bytes.data(), sizeof block.head);
    return block;
  }

  absl::Status VetPair(const IndexPair& pair) {
    for (const int position : {0, 1}) {
      ASSIGN_OR_RETURN(const RawBlock block, BlockAt(pair.geometry, position));
      if (!block.has_signature()) continue;
      VetLabelSize(block);
      VetSlotCount(block, pair.geometry);
      if (pair.blocks[static_cast<size_t>(position)].ok()) VetValid(block, pair.geometry);
    }
    VetTwins(pair);
    return absl::OkStatus();
  }

  // Kernels look at this byte before they compare the checksum.
  void VetLabelSize(const RawBlock& block) {
    if (!StatesLabelSize(block.head) || block.head.label_size <= kMostLabelSizeCode) return;
    if (!sizes_.insert(block.offset).second) return;  // the same block, for another label size
    Report("label.index.label_size", block.offset, block.bytes.size(),
           absl::StrCat(block.name(), " states labels of 128 << ", block.head.label_size,
                        " bytes; only the codes 0 (128) and 1 (256) exist"));
  }

  void VetSlotCount(const RawBlock& block, const LabelGeometry& geometry) {
    const uint32_t code = StatesLabelSize(block.head) ? block.head.label_size : 0;
    if (code > kMostLabelSizeCode || kLabelSizeV1_1 << code != geometry.label_size) return;
    const uint32_t slots = block.head.slot_count;
    const uint64_t bytes = uint64_t{slots} * geometry.label_size;
    if (geometry.label_offset() + bytes <= geometry.area_size) return;
    const auto wrapped = static_cast<uint32_t>(geometry.label_offset() + bytes);
    Report("label.index.slot_count", block.offset, block.bytes.size(),
           absl::StrCat(block.name(), " claims ", slots, " slots of ", geometry.label_size,
                        " bytes in an area of ", geometry.area_size, " bytes with room for ",
                        geometry.slot_count,
                        wrapped <= geometry.area_size
                            ? absl::StrCat("; in 32 bits the product wraps, and seems to fit")
                            : ""));
  }

  // What LabelIndex::Parse accepts.
  void VetValid(const RawBlock& block, const LabelGeometry& geometry) {
    const IndexBlock& head = block.head;
    std::string odd;
    if (std::any_of(head.flags.begin(), head.flags.end(), [](uint8_t flag) { return flag != 0; }))
      absl::StrAppend(&odd, "; it has flags, but none is defined");
    if ((head.sequence & ~kSequenceMask) != 0)
      absl::StrAppend(&odd, "; its sequence number is ", uint32_t{head.sequence});
    if (head.my_size != geometry.index_size)
      absl::StrAppend(&odd, "; it states a size of ", uint64_t{head.my_size}, " bytes instead of ",
                      geometry.index_size);
    if (!StatesLabelSize(head) && head.label_size != 0)
      absl::StrAppend(&odd, "; it has the label size code ", head.label_size,
                      ", which its version does not have");
    if (!odd.empty())
      Report("label.index.odd", block.offset, block.bytes.size(),
             absl::StrCat(block.name(), " is not as any kernel writes it", odd));
    if (head.slot_count != geometry.slot_count)
      Report("label.index.few_slots", block.offset, block.bytes.size(),
             absl::StrCat(block.name(), " has ", uint32_t{head.slot_count}, " slots; an area of ",
                          geometry.area_size, " bytes has ", geometry.slot_count));
    VetBitmap(block);
  }

  // Kernels clear the bits after the last slot; ndctl sets those up to the next word.
  void VetBitmap(const RawBlock& block) {
    const uint32_t slots = block.head.slot_count;
    const auto bitmap = absl::MakeConstSpan(block.bytes).subspan(sizeof(IndexBlock));
    if (PaddingEnds(bitmap, slots, slots) || PaddingEnds(bitmap, slots, RoundUp(slots, 8)) ||
        PaddingEnds(bitmap, slots, RoundUp(slots, kWordBits)))
      return;
    Report("label.index.padding", block.offset, block.bytes.size(),
           absl::StrCat(block.name(), " has bytes after the bitmap of its ", slots,
                        " slots that are not zero"));
  }

  void VetTwins(const IndexPair& pair) {
    if (!pair.blocks[0].ok() || !pair.blocks[1].ok()) return;
    const LabelIndex& first = *pair.blocks[0];
    const LabelIndex& second = *pair.blocks[1];
    const uint64_t length = pair.geometry.label_offset();
    if (first.number() != second.number() || first.slot_count() != second.slot_count())
      Report("label.index.twins", 0, length,
             absl::StrCat("the two label index blocks disagree: versions ",
                          first.number().ToString(), " and ", second.number().ToString(), ", ",
                          first.slot_count(), " and ", second.slot_count(), " slots"));
    if (first.sequence() == second.sequence())
      Report("label.index.seq_equal", 0, length,
             absl::StrCat("both label index blocks have the sequence number ", first.sequence()));
  }

  // --- The slots ---

  absl::Status VetSlots(const IndexPair& pair) {
    const LabelGeometry& geometry = pair.geometry;
    const int current = *pair.current();
    const LabelIndex& index = *pair.blocks[static_cast<size_t>(current)];
    const uint32_t free = index.CountFree();
    if (free == 0)
      Report("label.slots.full", geometry.index_offset(current), geometry.index_size,
             absl::StrCat("all ", index.slot_count(), " label slots are in use"));
    SlotVet slots(capacity_);
    std::vector<std::byte> bytes(geometry.label_size);
    uint32_t count = 0;
    for (auto slot = index.NextUsed(0); slot; slot = index.NextUsed(*slot + 1)) {
      if (count++ == kMostVettedLabels) {
        vet_.too_many = true;
        Report("label.slots.many", geometry.index_offset(current), geometry.index_size,
               absl::StrCat(index.slot_count() - free, " labels are in use; only the first ",
                            kMostVettedLabels, " were looked at, and no namespace"));
        break;
      }
      const uint64_t offset = geometry.slot_offset(*slot);
      RETURN_IF_ERROR(area_.Read(offset, absl::MakeSpan(bytes)));
      slots.Add(*slot, offset, bytes);
    }
    for (VetFinding& finding : slots.Finish()) vet_.findings.push_back(std::move(finding));
    return absl::OkStatus();
  }

  const Media& area_;
  const uint64_t capacity_;
  std::set<uint64_t> sizes_;  // offsets of blocks with an impossible label size
  LabelVet vet_;
};

}  // namespace

absl::StatusOr<LabelVet> VetLabelArea(const Media& area, uint64_t capacity) {
  return AreaVet(area, capacity).Run();
}

}  // namespace nvdimmfs::core
