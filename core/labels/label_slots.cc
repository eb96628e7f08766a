// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_slots.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

// Neighbouring slots are read together, up to this many bytes.
constexpr uint64_t kReadBatch = 64 * 1024;

template <typename Stored>
auto PlaceOf(std::vector<Stored>& all, uint32_t slot) {
  return std::lower_bound(all.begin(), all.end(), slot,
                          [](const Stored& other, uint32_t slot) { return other.slot < slot; });
}

template <typename Stored>
void InsertBySlot(std::vector<Stored>& all, Stored stored) {
  all.insert(PlaceOf(all, stored.slot), std::move(stored));
}

template <typename Stored>
void EraseSlot(std::vector<Stored>& all, uint32_t slot) {
  const auto at = PlaceOf(all, slot);
  if (at != all.end() && at->slot == slot) all.erase(at);
}

std::string UpdatingSentence(uint32_t slot, const AnyLabel& label) {
  const bool is_region = std::holds_alternative<RegionLabel>(label);
  const Uuid uuid = std::visit([](const auto& of_kind) { return of_kind.uuid; }, label);
  return absl::StrCat("label in slot ", slot, " of ", is_region ? "region " : "namespace ",
                      uuid.ToString(),
                      " is marked as being updated: the update was interrupted; the label is used, "
                      "and its next change clears the mark");
}

bool IsUpdating(const AnyLabel& label) {
  return std::visit([](const auto& of_kind) { return (of_kind.flags & kLabelUpdating) != 0; },
                    label);
}

// The number of consecutive slots in use from `first` on.
uint32_t RunFrom(const LabelIndex& index, uint32_t first, uint32_t limit) {
  uint32_t count = 1;
  while (count < limit && first + count < index.slot_count() && !index.IsFree(first + count))
    ++count;
  return count;
}

}  // namespace

absl::StatusOr<LabelSlots> LabelSlots::Read(const Media& media, const LabelGeometry& geometry,
                                            const LabelIndex& index, const LabelVersion& version,
                                            LabelFindings& findings) {
  LabelSlots slots;
  const auto limit = static_cast<uint32_t>(kReadBatch / geometry.label_size);
  std::vector<std::byte> run;
  for (auto first = index.NextUsed(0); first;) {
    const uint32_t count = RunFrom(index, *first, limit);
    run.resize(size_t{count} * geometry.label_size);
    const absl::Status read = media.Read(geometry.slot_offset(*first), absl::MakeSpan(run));
    if (!read.ok())
      return Annotate(read, absl::StrCat("read label slots ", *first, " to ", *first + count - 1));
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t slot = *first + i;
      const auto bytes =
          absl::MakeConstSpan(run).subspan(size_t{i} * geometry.label_size, geometry.label_size);
      absl::StatusOr<AnyLabel> label = version.Parse(bytes, slot);
      if (!label.ok()) {
        findings.Add(ReasonOf(label.status()), geometry.slot_offset(slot),
                     std::string(label.status().message()));
        continue;
      }
      if (IsUpdating(*label))
        findings.Add("label.slot.updating", geometry.slot_offset(slot),
                     UpdatingSentence(slot, *label));
      slots.Insert(slot, *std::move(label));
    }
    first = index.NextUsed(*first + count);
  }
  return slots;
}

void LabelSlots::Insert(uint32_t slot, AnyLabel label) {
  if (auto* region = std::get_if<RegionLabel>(&label))
    InsertBySlot(region_labels_, StoredRegionLabel{slot, *region});
  else
    InsertBySlot(labels_, StoredLabel{slot, std::get<NamespaceLabel>(std::move(label))});
}

void LabelSlots::Erase(uint32_t slot) {
  EraseSlot(labels_, slot);
  EraseSlot(region_labels_, slot);
}

}  // namespace nvdimmfs::core
