// SPDX-License-Identifier: Apache-2.0
#include "core/labels/lost_label.h"

#include <utility>

#include "core/labels/checksum_repair.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

// A damaged label may differ from the copy that it is restored from in at most this many bytes,
// counted from the first to the last difference.
constexpr size_t kMaxDamage = 8;

}  // namespace

LostLabels::LostLabels(const LabelVersion& version, uint64_t capacity, std::vector<SlotLabel> live,
                       std::vector<SlotLabel> stale)
    : version_(version), capacity_(capacity), live_(std::move(live)), stale_(std::move(stale)) {}

std::optional<LostLabels::Found> LostLabels::Find(absl::Span<const std::byte> bytes,
                                                  uint32_t slot) const {
  if (auto label = VouchedFor(bytes, slot))
    return Found{*std::move(label), "restored, as confirmed by its checksum"};
  if (auto label = CopyOf(bytes))
    return Found{*std::move(label), "restored from the copy that its last update left"};
  return std::nullopt;
}

// The only label that matches the checksum, in this slot or in the one that it names.
std::optional<SlotLabel> LostLabels::VouchedFor(absl::Span<const std::byte> bytes,
                                                uint32_t slot) const {
  const auto checksum_offset = version_.checksum_offset();
  if (!checksum_offset) return std::nullopt;
  std::vector<SlotLabel> found;
  VisitVouchedFor(bytes, *checksum_offset, [&](absl::Span<const std::byte> tried) {
    auto label = LabelIn(tried, slot, capacity_);
    // A label with a correct checksum that is not in its own slot.
    if (!label) label = LabelIn(tried, version_.StatedSlot(tried), capacity_);
    if (label && label->version == &version_) found.push_back(*std::move(label));
  });
  if (found.size() > 1)
    std::erase_if(found, [](const SlotLabel& label) { return !label.as_written; });
  return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
}

// A valid label in a free slot that differs from the damaged one only in a few neighbouring bytes.
std::optional<SlotLabel> LostLabels::CopyOf(absl::Span<const std::byte> bytes) const {
  std::optional<SlotLabel> found;
  for (const SlotLabel& label : stale_) {
    if (!label.IsCopyOf(bytes, kMaxDamage)) continue;
    if (found && found->content != label.content) return std::nullopt;
    found = label;
  }
  if (found) std::visit([](auto& of_kind) { of_kind.flags &= ~kLabelUpdating; }, found->label);
  return found;
}

const SlotLabel* LostLabels::InTheWay(const SlotLabel& label) const {
  for (const SlotLabel& other : live_)
    if (other.is_region() == label.is_region() &&
        (other.uuid() == label.uuid() || other.extent().Overlaps(label.extent())))
      return &other;
  return nullptr;
}

void LostLabels::Restored(SlotLabel label) {
  std::erase_if(stale_, [&](const SlotLabel& stale) { return stale.slot == label.slot; });
  live_.push_back(std::move(label));
}

}  // namespace nvdimmfs::core
