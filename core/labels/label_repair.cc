// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_repair.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/labels/area_reading.h"
#include "core/labels/durable_store.h"
#include "core/labels/index_witness.h"
#include "core/labels/label_area.h"
#include "core/labels/label_decision.h"
#include "core/labels/label_format.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/lost_label.h"
#include "core/labels/slot_survey.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPiece = 64 * 1024;

bool IsAllZero(absl::Span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

// Calls `take` for everything from `start` on, piece by piece, except zeros.
absl::Status ForEachPiece(
    const Media& media, uint64_t start,
    const std::function<absl::Status(uint64_t offset, absl::Span<const std::byte>)>& take) {
  std::vector<std::byte> piece;
  for (uint64_t at = start; at < media.size(); at += kPiece) {
    piece.resize(std::min(kPiece, media.size() - at));
    RETURN_IF_ERROR(media.Peek(at, absl::MakeSpan(piece)));
    if (!IsAllZero(piece)) RETURN_IF_ERROR(take(at, piece));
  }
  return absl::OkStatus();
}

class Repairer {
 public:
  Repairer(const std::shared_ptr<Media>& media, const LabelRepairOptions& options)
      : media_(media), options_(options) {}

  absl::StatusOr<LabelRepairReport> Run() {
    RETURN_IF_ERROR(Open());
    if (area_->verdict() == LabelVerdict::kBlank || area_->verdict() == LabelVerdict::kSound)
      return std::move(report_);
    if (area_->verdict() == LabelVerdict::kDamaged) RETURN_IF_ERROR(RestoreIndex());
    if (!area_->has_index()) return std::move(report_);
    if (const absl::Status writable = area_->CheckWritable(); !writable.ok()) {
      Undecided(0, absl::StrCat("nothing is repaired: ", writable.message()));
      return std::move(report_);
    }
    RETURN_IF_ERROR(RestoreTwin());
    RETURN_IF_ERROR(RestoreLabels());
    return std::move(report_);
  }

 private:
  absl::Status Open() {
    ASSIGN_OR_RETURN(LabelArea area, LabelArea::Open(media_, *options_.expected));
    area_ = std::move(area);
    return absl::OkStatus();
  }

  absl::Status SaveOnce() {
    if (saved_ || options_.save == nullptr) return absl::OkStatus();
    RETURN_IF_ERROR(ForEachPiece(*media_, 0, options_.save));
    saved_ = true;
    return absl::OkStatus();
  }

  void Mended(const Finding& finding, absl::string_view how) {
    report_.mended.push_back(
        {finding.reason, finding.offset, absl::StrCat(finding.sentence, "; remedy: ", how)});
  }
  void Undecided(uint64_t offset, std::string sentence) {
    report_.undecided.push_back({"label.undecided", offset, std::move(sentence)});
  }
  // Open's finding for this offset; for an index block that Open expected elsewhere, its finding
  // for the area.
  Finding FindingAt(uint64_t offset, absl::string_view kind) const {
    for (const Finding& finding : area_->findings())
      if (finding.offset == offset && absl::StartsWith(finding.reason, kind)) return finding;
    for (const Finding& finding : area_->findings())
      if (finding.reason == "label.area.damaged") return finding;
    return {"label.area.damaged", offset, "the label area is damaged"};
  }

  // --- the index ---

  absl::Status RestoreIndex() {
    ASSIGN_OR_RETURN(const std::vector<AreaReading> readings,
                     ReadWithoutIndex(*media_, options_.capacity));
    for (const AreaReading& reading : readings)
      if (reading.proven[0] || reading.proven[1]) return RestoreProven(reading);
    return Rebuild(MostLabels(readings));
  }

  absl::Status OpenMended() {
    for (const Finding& finding : area_->findings())
      if (finding.reason == "label.area.damaged") Mended(finding, "it has a valid index again");
    return Open();
  }

  // The newer first, so that after a cut the last index in force is found.
  absl::Status RestoreProven(const AreaReading& reading) {
    int first = reading.proven[0] ? 0 : 1;
    if (reading.proven[0] && reading.proven[1])
      first = NewerIndex(reading.proven[0]->sequence(), reading.proven[1]->sequence());
    for (const int position : {first, 1 - first})
      if (reading.proven[position])
        RETURN_IF_ERROR(WriteIndex(reading.geometry, *reading.proven[position], position,
                                   "restored, as confirmed by its checksum"));
    return OpenMended();
  }

  absl::Status WriteIndex(const LabelGeometry& geometry, const LabelIndex& index, int position,
                          absl::string_view how) {
    RETURN_IF_ERROR(SaveOnce());
    const uint64_t offset = geometry.index_offset(position);
    RETURN_IF_ERROR(WriteDurably(*media_, offset, index.Encode(geometry, position)));
    Mended(FindingAt(offset, "label.index."), how);
    return absl::OkStatus();
  }

  absl::Status Rebuild(const AreaReading& reading) {
    const LabelGeometry& geometry = reading.geometry;
    const LabelDecision decision =
        DecideLabels(reading.labels, reading.Hints(), options_.elsewhere, options_.source);
    for (const std::string& pair : decision.undecided)
      Undecided(0, absl::StrCat("the index is not rebuilt from the labels: ", pair));
    if (!decision.undecided.empty()) return absl::OkStatus();
    if (decision.used.empty()) return RebuildEmpty(reading);
    LabelIndex index = LabelIndex::Fresh(geometry, *decision.used[0]->version);
    for (const SlotLabel* label : decision.used) index.SetFree(label->slot, false);
    index.set_sequence(kFirstSequence);
    // Overwrites the less informative block, so that the other one survives a cut.
    const int position = reading.HasSignature(0) && !reading.HasSignature(1) ? 1 : 0;
    RETURN_IF_ERROR(WriteIndex(
        geometry, index, position,
        absl::StrCat("rebuilt from the labels in its slots: ", decision.used.size(), " in use",
                     decision.notes.empty() ? "" : "; ", absl::StrJoin(decision.notes, "; "))));
    return OpenMended();
  }

  // No slot holds a label. If no slot was ever written, there is nothing to lose.
  absl::Status RebuildEmpty(const AreaReading& reading) {
    bool untouched = reading.HasSignature(0) || reading.HasSignature(1);
    RETURN_IF_ERROR(ForEachPiece(*media_, reading.geometry.label_offset(),
                                 [&](uint64_t, absl::Span<const std::byte>) {
                                   untouched = false;
                                   return absl::OkStatus();
                                 }));
    if (!untouched) {
      Undecided(
          0, absl::StrCat("the index cannot be rebuilt: no slot holds a label; to give up the area "
                          "and keep a copy: nvdimmfs init-labels --force ",
                          options_.source));
      return absl::OkStatus();
    }
    LabelIndex index =
        LabelIndex::Fresh(reading.geometry, GeneralLabelVersion(reading.geometry.label_size));
    index.set_sequence(kFirstSequence);
    RETURN_IF_ERROR(
        WriteIndex(reading.geometry, index, 0, "recreated empty, since no slot was ever written"));
    return OpenMended();
  }

  absl::Status RestoreTwin() {
    const LabelGeometry geometry = *LabelGeometry::For(media_->size(), area_->label_size());
    const int twin = 1 - area_->current();
    const uint64_t offset = geometry.index_offset(twin);
    std::vector<std::byte> block(geometry.index_size);
    RETURN_IF_ERROR(media_->Peek(offset, absl::MakeSpan(block)));
    if (LabelIndex::Parse(block, geometry, twin).ok()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::vector<SlotLabel> labels,
                     SurveySlots(*media_, geometry, options_.capacity));
    const auto proven = ProvenIndex(block, geometry, twin, labels);
    const auto sequence_at = [&](int position) {
      return position == twin ? proven->sequence() : area_->sequence();
    };
    if (proven && NewerIndex(sequence_at(0), sequence_at(1)) == twin) {
      RETURN_IF_ERROR(WriteIndex(geometry, *proven, twin,
                                 "restored, as confirmed by its checksum; it is the newer one"));
      return Open();
    }
    RETURN_IF_ERROR(SaveOnce());
    const Finding finding = FindingAt(offset, "label.index.");
    RETURN_IF_ERROR(area_->RestoreTwin());
    Mended(finding, "rewritten from its twin");
    return absl::OkStatus();
  }

  // --- labels ---

  absl::Status RestoreLabels() {
    const std::vector<uint32_t> unreadable = area_->UnreadableSlots();
    if (unreadable.empty()) return absl::OkStatus();
    const LabelGeometry geometry = *LabelGeometry::For(media_->size(), area_->label_size());
    ASSIGN_OR_RETURN(const std::vector<SlotLabel> labels,
                     SurveySlots(*media_, geometry, options_.capacity));
    absl::flat_hash_set<uint32_t> used;
    for (const StoredLabel& stored : area_->labels()) used.insert(stored.slot);
    for (const StoredRegionLabel& stored : area_->region_labels()) used.insert(stored.slot);
    std::vector<SlotLabel> live, stale;
    for (const SlotLabel& label : labels)
      (used.contains(label.slot) ? live : stale).push_back(label);
    LostLabels lost(area_->version(), options_.capacity, std::move(live), std::move(stale));
    for (const uint32_t slot : unreadable) RETURN_IF_ERROR(RestoreLabel(slot, lost));
    return absl::OkStatus();
  }

  absl::Status RestoreLabel(uint32_t slot, LostLabels& lost) {
    const Finding finding = FindingAt(area_->slot_offset(slot), "label.slot.");
    std::vector<std::byte> bytes(area_->label_size());
    RETURN_IF_ERROR(media_->Peek(area_->slot_offset(slot), absl::MakeSpan(bytes)));
    std::optional<LostLabels::Found> found = lost.Find(bytes, slot);
    if (!found) {
      Undecided(finding.offset,
                absl::StrCat(finding.sentence,
                             ": it cannot be restored; what its space holds is "
                             "safe from x/create as long as the slot is in use. To give the slot "
                             "up: nvdimmfs init-labels --force --slot ",
                             slot, " ", options_.source));
      return absl::OkStatus();
    }
    SlotLabel& label = found->label;
    if (const SlotLabel* other = lost.InTheWay(label)) {
      Undecided(
          finding.offset,
          absl::StrCat(finding.sentence, ": it would be namespace ", label.uuid().ToString(),
                       ", but the label in slot ", other->slot,
                       " has the same uuid or overlaps it. To give this one up: nvdimmfs "
                       "init-labels --force --slot ",
                       slot, " ", options_.source, "; to give up the other: x/destroy in a mount"));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(SaveOnce());
    const absl::StatusOr<uint32_t> stored = Store(label, slot);
    if (ReasonOf(stored.status()) == "label.slots.full") {
      Undecided(finding.offset, absl::StrCat(finding.sentence, ": ", stored.status().message()));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(stored.status());
    Mended(finding, found->how);
    label.slot = *stored;
    lost.Restored(std::move(label));
    return absl::OkStatus();
  }

  // Stores it as a change of the label: the slot in use is never written.
  absl::StatusOr<uint32_t> Store(const SlotLabel& label, uint32_t slot) {
    if (const auto* region = std::get_if<RegionLabel>(&label.label))
      return area_->UpdateRegion(*region, {slot});
    ASSIGN_OR_RETURN(const std::optional<uint32_t> stored,
                     area_->Update(std::get<NamespaceLabel>(label.label), {slot}));
    return stored.value();
  }

  const std::shared_ptr<Media> media_;
  const LabelRepairOptions& options_;
  std::optional<LabelArea> area_;
  bool saved_ = false;
  LabelRepairReport report_;
};

}  // namespace

absl::StatusOr<LabelRepairReport> RepairLabelArea(const std::shared_ptr<Media>& area,
                                                  const LabelRepairOptions& options) {
  return Repairer(area, options).Run();
}

}  // namespace nvdimmfs::core
