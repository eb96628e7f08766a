// SPDX-License-Identifier: Apache-2.0
#include "core/labels/index_witness.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "core/base/endian.h"
#include "core/base/fletcher64.h"
#include "core/labels/checksum_repair.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

// Up to this size, a checksum identifies the changed word reliably; such blocks have 131072 slots.
constexpr uint64_t kMaxProvenBlock = 16 * 1024;

// Whether two blocks differ at most in bytes that readers ignore.
bool SaysTheSame(const LabelIndex& a, const LabelIndex& b) {
  if (a.sequence() != b.sequence() || a.slot_count() != b.slot_count() ||
      a.number().major != b.number().major)
    return false;
  auto slot = a.NextUsed(0);
  auto other = b.NextUsed(0);
  for (; slot && slot == other; other = b.NextUsed(*other + 1)) slot = a.NextUsed(*slot + 1);
  return slot == other;
}

// Whether an index is consistent with the slots: every slot in use has a label, and no two
// conflict.
bool FitsTheSlots(const LabelIndex& index, absl::Span<const SlotLabel> labels) {
  std::vector<const SlotLabel*> used;
  auto label = labels.begin();
  for (auto slot = index.NextUsed(0); slot; slot = index.NextUsed(*slot + 1)) {
    while (label != labels.end() && label->slot < *slot) ++label;
    if (label == labels.end() || label->slot != *slot) return false;
    used.push_back(&*label);
  }
  absl::flat_hash_set<Uuid> owners;
  for (const SlotLabel* one : used)
    if (!owners.insert(one->uuid()).second) return false;
  std::sort(used.begin(), used.end(), [](const SlotLabel* a, const SlotLabel* b) {
    return std::pair(a->is_region(), a->extent().start) <
           std::pair(b->is_region(), b->extent().start);
  });
  for (size_t i = 1; i < used.size(); ++i)
    if (used[i]->is_region() == used[i - 1]->is_region() &&
        used[i]->extent().Overlaps(used[i - 1]->extent()))
      return false;
  return true;
}

// The index blocks that match a checksum, given the remaining bytes of one.
class Witness {
 public:
  Witness(const LabelGeometry& geometry, int position) : geometry_(geometry), position_(position) {}

  // The only one that fits, or nothing.
  std::optional<LabelIndex> Ask(absl::Span<const std::byte> block,
                                absl::Span<const SlotLabel> labels) {
    if (block.size() > kMaxProvenBlock) return std::nullopt;
    Hear(block);
    HearWithRightHeads(block);
    if (heard_.size() > 1)
      std::erase_if(heard_, [&](const LabelIndex& index) { return !FitsTheSlots(index, labels); });
    return heard_.size() == 1 ? std::optional(heard_[0]) : std::nullopt;
  }

 private:
  void Hear(absl::Span<const std::byte> block) {
    VisitVouchedFor(block, offsetof(IndexBlock, checksum), [&](absl::Span<const std::byte> bytes) {
      absl::StatusOr<LabelIndex> index = LabelIndex::Parse(bytes, geometry_, position_);
      if (!index.ok() || !FindLabelVersion(index->number(), geometry_.label_size)) return;
      for (const LabelIndex& other : heard_)
        if (SaysTheSame(*index, other)) return;
      heard_.push_back(*std::move(index));
    });
  }

  // Everything before the checksum follows from the geometry, except the version and the sequence.
  void HearWithRightHeads(absl::Span<const std::byte> block) {
    std::vector<std::byte> tried(block.begin(), block.end());
    for (const LabelVersion* version : LabelVersions()) {
      if (version->label_size() != geometry_.label_size) continue;
      LabelIndex fresh = LabelIndex::Fresh(geometry_, *version);
      for (const uint32_t sequence : {1u, 2u, 3u}) {
        fresh.set_sequence(sequence);
        const std::vector<std::byte> head = fresh.Encode(geometry_, position_);
        std::memcpy(tried.data(), head.data(), offsetof(IndexBlock, checksum));
        Hear(tried);
      }
    }
  }

  const LabelGeometry geometry_;
  const int position_;
  std::vector<LabelIndex> heard_;
};

}  // namespace

std::optional<LabelIndex> ProvenIndex(absl::Span<const std::byte> block,
                                      const LabelGeometry& geometry, int position,
                                      absl::Span<const SlotLabel> labels) {
  return Witness(geometry, position).Ask(block, labels);
}

std::optional<LabelIndex> HintedIndex(absl::Span<const std::byte> block,
                                      const LabelGeometry& geometry, int position,
                                      absl::Span<const SlotLabel> labels) {
  std::vector<std::byte> sealed(block.begin(), block.end());
  StoreLe(sealed.data() + offsetof(IndexBlock, checksum),
          Fletcher64(sealed, offsetof(IndexBlock, checksum)));
  absl::StatusOr<LabelIndex> index = LabelIndex::Parse(sealed, geometry, position);
  if (!index.ok() || !FitsTheSlots(*index, labels)) return std::nullopt;
  return *std::move(index);
}

}  // namespace nvdimmfs::core
