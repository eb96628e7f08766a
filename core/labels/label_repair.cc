#include "core/labels/label_repair.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/base/endian.h"
#include "core/base/fletcher64.h"
#include "core/base/status.h"
#include "core/labels/checksum_repair.h"
#include "core/labels/durable_store.h"
#include "core/labels/label_area.h"
#include "core/labels/label_decision.h"
#include "core/labels/label_format.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/slot_survey.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPiece = 64 * 1024;
// A checksum vouches for the right one of so many words; blocks this large have 131072 slots.
constexpr uint64_t kMaxProvenBlock = 16 * 1024;
// So many bytes of a damaged label, counted from the first to the last, may differ from the copy
// that it is restored from.
constexpr size_t kMaxDamage = 8;

std::vector<std::byte> Resealed(absl::Span<const std::byte> block) {
  std::vector<std::byte> sealed(block.begin(), block.end());
  StoreLe(sealed.data() + offsetof(IndexBlock, checksum),
          Fletcher64(sealed, offsetof(IndexBlock, checksum)));
  return sealed;
}

bool IsAllZero(absl::Span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

// Calls `take` with what is there from `start` on, piece by piece, but for the zeros.
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

// Whether this program writes the version.
bool MarkKnownVersion(LabelIndex& index, const LabelGeometry& geometry) {
  const auto version = std::pair<int, int>(index.major(), index.minor());
  if (geometry.label_size == kLabelSizeV1_1) return version == std::pair(1, 1);
  index.set_cxl(version == std::pair(2, 1));
  return version == std::pair(1, 2) || version == std::pair(2, 1);
}

// Whether two blocks differ in what no reader heeds, at most.
bool SaysTheSame(const LabelIndex& a, const LabelIndex& b) {
  if (a.sequence() != b.sequence() || a.slot_count() != b.slot_count() || a.major() != b.major())
    return false;
  auto slot = a.NextUsed(0);
  auto other = b.NextUsed(0);
  for (; slot && slot == other; other = b.NextUsed(*other + 1)) slot = a.NextUsed(*slot + 1);
  return slot == other;
}

// What an index says together with the slots: every label in use is there, and none is in the way
// of another.
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

// The index blocks that a checksum vouches for, given the bytes that are left of one.
class Witness {
 public:
  Witness(const LabelGeometry& geometry, int position) : geometry_(geometry), position_(position) {}

  // The one that fits, or nothing.
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
      if (!index.ok() || !MarkKnownVersion(*index, geometry_)) return;
      for (const LabelIndex& other : heard_)
        if (SaysTheSame(*index, other)) return;
      heard_.push_back(*std::move(index));
    });
  }

  // All that lies before the checksum follows from the geometry, but for the version and the
  // sequence.
  void HearWithRightHeads(absl::Span<const std::byte> block) {
    std::vector<std::byte> tried(block.begin(), block.end());
    for (const bool cxl : {false, true})
      for (const uint32_t sequence : {1, 2, 3}) {
        LabelIndex fresh = LabelIndex::Fresh(geometry_);
        fresh.set_cxl(cxl);
        fresh.set_sequence(sequence);
        const std::vector<std::byte> head = fresh.Encode(geometry_, position_);
        std::memcpy(tried.data(), head.data(), offsetof(IndexBlock, checksum));
        Hear(tried);
      }
  }

  const LabelGeometry geometry_;
  const int position_;
  std::vector<LabelIndex> heard_;
};

// What one label size makes of an area without a valid index.
struct Reading {
  LabelGeometry geometry;
  std::vector<SlotLabel> labels;
  std::vector<std::byte> blocks[2];
  std::optional<LabelIndex> proven[2];
};

absl::StatusOr<Reading> ReadAs(const LabelGeometry& geometry, const Media& media,
                               uint64_t capacity) {
  Reading reading{.geometry = geometry, .labels = {}, .blocks = {}, .proven = {}};
  ASSIGN_OR_RETURN(reading.labels, SurveySlots(media, geometry, capacity));
  for (const int position : {0, 1}) {
    std::vector<std::byte>& block = reading.blocks[position];
    block.resize(geometry.index_size);
    RETURN_IF_ERROR(media.Peek(geometry.index_offset(position), absl::MakeSpan(block)));
    reading.proven[position] = Witness(geometry, position).Ask(block, reading.labels);
  }
  return reading;
}

// For each label size for which the area is large enough.
absl::StatusOr<std::vector<Reading>> ReadAll(const Media& media, uint64_t capacity) {
  std::vector<Reading> readings;
  for (const uint32_t label_size : {kLabelSizeV1_1, kLabelSizeV1_2})
    if (const auto geometry = LabelGeometry::For(media.size(), label_size)) {
      ASSIGN_OR_RETURN(Reading reading, ReadAs(*geometry, media, capacity));
      readings.push_back(std::move(reading));
    }
  return readings;
}

const Reading& MostLabels(absl::Span<const Reading> readings) {
  const Reading* most = &readings.back();
  for (const Reading& reading : readings)
    if (reading.labels.size() > most->labels.size()) most = &reading;
  return *most;
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
      Undecided(0, absl::StrCat("nothing is mended: ", writable.message()));
      return std::move(report_);
    }
    RETURN_IF_ERROR(RestoreTwin());
    RETURN_IF_ERROR(RestoreLabels());
    return std::move(report_);
  }

 private:
  absl::Status Open() {
    ASSIGN_OR_RETURN(LabelArea area, LabelArea::Open(media_, options_.expect_cxl));
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
  // What Open said of the place; of an index block that it looked for elsewhere: of the area.
  Finding FindingAt(uint64_t offset, absl::string_view kind) const {
    for (const Finding& finding : area_->findings())
      if (finding.offset == offset && absl::StartsWith(finding.reason, kind)) return finding;
    for (const Finding& finding : area_->findings())
      if (finding.reason == "label.area.damaged") return finding;
    return {"label.area.damaged", offset, "the label area is damaged"};
  }

  // --- the index ---

  absl::Status RestoreIndex() {
    ASSIGN_OR_RETURN(const std::vector<Reading> readings, ReadAll(*media_, options_.capacity));
    for (const Reading& reading : readings)
      if (reading.proven[0] || reading.proven[1]) return RestoreProven(reading);
    return Rebuild(MostLabels(readings));
  }

  absl::Status OpenMended() {
    for (const Finding& finding : area_->findings())
      if (finding.reason == "label.area.damaged") Mended(finding, "it has a valid index again");
    return Open();
  }

  // The newer first, so that what is found after a cut is what was in force last.
  absl::Status RestoreProven(const Reading& reading) {
    int first = reading.proven[0] ? 0 : 1;
    if (reading.proven[0] && reading.proven[1])
      first = NewerIndex(reading.proven[0]->sequence(), reading.proven[1]->sequence());
    for (const int position : {first, 1 - first})
      if (reading.proven[position])
        RETURN_IF_ERROR(WriteIndex(reading.geometry, *reading.proven[position], position,
                                   "as it was, which its checksum vouches for"));
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

  // Blocks whose checksum alone is wrong, and whose bitmap agrees with the slots: no proof, and
  // better than nothing. The newer first.
  static std::vector<LabelIndex> HintsOf(const Reading& reading) {
    std::vector<LabelIndex> hints;
    for (const int position : {0, 1}) {
      const auto index =
          LabelIndex::Parse(Resealed(reading.blocks[position]), reading.geometry, position);
      if (index.ok() && FitsTheSlots(*index, reading.labels)) hints.push_back(*index);
    }
    if (hints.size() == 2 && NewerIndex(hints[0].sequence(), hints[1].sequence()) == 1)
      std::swap(hints[0], hints[1]);
    return hints;
  }

  static bool HasSignature(const Reading& reading, int position) {
    return std::memcmp(reading.blocks[position].data(), kIndexSignature.data(),
                       kIndexSignature.size()) == 0;
  }

  absl::Status Rebuild(const Reading& reading) {
    const LabelGeometry& geometry = reading.geometry;
    const LabelDecision decision =
        DecideLabels(reading.labels, HintsOf(reading), options_.elsewhere, options_.source);
    for (const std::string& pair : decision.undecided)
      Undecided(0, absl::StrCat("the index is not rebuilt from the labels: ", pair));
    if (!decision.undecided.empty()) return absl::OkStatus();
    if (decision.used.empty()) return RebuildEmpty(reading);
    LabelIndex index = LabelIndex::Fresh(geometry);
    for (const SlotLabel* label : decision.used) index.SetFree(label->slot, false);
    index.set_cxl(decision.used[0]->cxl);
    index.set_sequence(kFirstSequence);
    // Over the block that says less: what the other says is then still there after a cut.
    const int position = HasSignature(reading, 0) && !HasSignature(reading, 1) ? 1 : 0;
    RETURN_IF_ERROR(WriteIndex(
        geometry, index, position,
        absl::StrCat("rebuilt from the labels in its slots: ", decision.used.size(), " in use",
                     decision.notes.empty() ? "" : "; ", absl::StrJoin(decision.notes, "; "))));
    return OpenMended();
  }

  // No slot holds a label. Where no slot was ever written, either, there is nothing to lose.
  absl::Status RebuildEmpty(const Reading& reading) {
    bool untouched = HasSignature(reading, 0) || HasSignature(reading, 1);
    RETURN_IF_ERROR(ForEachPiece(*media_, reading.geometry.label_offset(),
                                 [&](uint64_t, absl::Span<const std::byte>) {
                                   untouched = false;
                                   return absl::OkStatus();
                                 }));
    if (!untouched) {
      Undecided(0,
                absl::StrCat("the index cannot be rebuilt: no slot holds a label; to give up what "
                             "is there, and keep a copy: nvdimmfs init-labels --force ",
                             options_.source));
      return absl::OkStatus();
    }
    LabelIndex index = LabelIndex::Fresh(reading.geometry);
    index.set_sequence(kFirstSequence);
    RETURN_IF_ERROR(
        WriteIndex(reading.geometry, index, 0, "made anew and empty, as no slot was ever written"));
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
    const auto proven = Witness(geometry, twin).Ask(block, labels);
    const auto sequence_at = [&](int position) {
      return position == twin ? proven->sequence() : area_->sequence();
    };
    if (proven && NewerIndex(sequence_at(0), sequence_at(1)) == twin) {
      RETURN_IF_ERROR(WriteIndex(geometry, *proven, twin,
                                 "as it was, which its checksum vouches for; it is the newer one"));
      return Open();
    }
    RETURN_IF_ERROR(SaveOnce());
    const Finding finding = FindingAt(offset, "label.index.");
    RETURN_IF_ERROR(area_->RestoreTwin());
    Mended(finding, "written anew after its twin");
    return absl::OkStatus();
  }

  // --- labels ---

  absl::Status RestoreLabels() {
    const std::vector<uint32_t> unreadable = area_->UnreadableSlots();
    if (unreadable.empty()) return absl::OkStatus();
    const LabelGeometry geometry = *LabelGeometry::For(media_->size(), area_->label_size());
    ASSIGN_OR_RETURN(std::vector<SlotLabel> labels,
                     SurveySlots(*media_, geometry, options_.capacity));
    absl::flat_hash_set<uint32_t> used;
    for (const StoredLabel& stored : area_->labels()) used.insert(stored.slot);
    for (const StoredRegionLabel& stored : area_->region_labels()) used.insert(stored.slot);
    for (SlotLabel& label : labels) (used.contains(label.slot) ? live_ : stale_).push_back(label);
    for (const uint32_t slot : unreadable) RETURN_IF_ERROR(RestoreLabel(slot));
    return absl::OkStatus();
  }

  absl::Status RestoreLabel(uint32_t slot) {
    const Finding finding = FindingAt(area_->slot_offset(slot), "label.slot.");
    std::vector<std::byte> bytes(area_->label_size());
    RETURN_IF_ERROR(media_->Peek(area_->slot_offset(slot), absl::MakeSpan(bytes)));
    std::string how = "its checksum vouches for what it was";
    std::optional<SlotLabel> label = VouchedFor(bytes, slot);
    if (!label) {
      how = "restored from the copy that its last update left";
      label = CopyOf(bytes);
    }
    if (!label) {
      Undecided(finding.offset,
                absl::StrCat(finding.sentence,
                             ": it cannot be restored; what its space holds is "
                             "safe from x/create as long as the slot is in use. To give the slot "
                             "up: nvdimmfs init-labels --force --slot ",
                             slot, " ", options_.source));
      return absl::OkStatus();
    }
    if (const SlotLabel* other = InTheWay(*label)) {
      Undecided(finding.offset,
                absl::StrCat(finding.sentence, ": it would be namespace ", label->uuid().ToString(),
                             ", but the label in slot ", other->slot,
                             " has the same uuid or overlaps it. To give this one up: nvdimmfs "
                             "init-labels --force --slot ",
                             slot, " ", options_.source, "; the other: x/destroy of a mount"));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(SaveOnce());
    const absl::StatusOr<uint32_t> stored = Store(*label, slot);
    if (ReasonOf(stored.status()) == "label.slots.full") {
      Undecided(finding.offset, absl::StrCat(finding.sentence, ": ", stored.status().message()));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(stored.status());
    Mended(finding, how);
    std::erase_if(stale_, [&](const SlotLabel& stale) { return stale.slot == *stored; });
    label->slot = *stored;
    live_.push_back(*std::move(label));
    return absl::OkStatus();
  }

  // As a change of the label: the slot in use is never written.
  absl::StatusOr<uint32_t> Store(const SlotLabel& label, uint32_t slot) {
    if (const auto* region = std::get_if<RegionLabel>(&label.label))
      return area_->UpdateRegion(*region, {slot});
    ASSIGN_OR_RETURN(const std::optional<uint32_t> stored,
                     area_->Update(std::get<NamespaceLabel>(label.label), {slot}));
    return stored.value();
  }

  // The one label that the checksum vouches for, in this slot or the one that it names.
  std::optional<SlotLabel> VouchedFor(absl::Span<const std::byte> bytes, uint32_t slot) const {
    if (bytes.size() != kLabelSizeV1_2) return std::nullopt;
    std::vector<SlotLabel> found;
    VisitVouchedFor(bytes, offsetof(NamespaceLabelV1_2, checksum),
                    [&](absl::Span<const std::byte> tried) {
                      auto label = LabelIn(tried, slot, options_.capacity);
                      if (!label) label = InItsOwnSlot(tried);
                      if (!label || label->cxl != area_->is_cxl()) return;
                      found.push_back(*std::move(label));
                    });
    if (found.size() > 1)
      std::erase_if(found, [](const SlotLabel& label) { return !label.as_written; });
    return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
  }

  // A label with a right checksum that lies in another slot than its own.
  std::optional<SlotLabel> InItsOwnSlot(absl::Span<const std::byte> bytes) const {
    for (const size_t at :
         {offsetof(NamespaceLabelV1_2, base.slot), offsetof(CxlRegionLabel, slot)})
      if (auto label = LabelIn(bytes, LoadLe<uint32_t>(bytes.data() + at), options_.capacity))
        return label;
    return std::nullopt;
  }

  // A valid label in a free slot that is the damaged one but for a few bytes next to each other.
  std::optional<SlotLabel> CopyOf(absl::Span<const std::byte> bytes) const {
    std::optional<SlotLabel> found;
    for (const SlotLabel& label : stale_) {
      if (!label.IsCopyOf(bytes, kMaxDamage)) continue;
      if (found && found->content != label.content) return std::nullopt;
      found = label;
    }
    if (found) std::visit([](auto& of_kind) { of_kind.flags &= ~kLabelUpdating; }, found->label);
    return found;
  }

  const SlotLabel* InTheWay(const SlotLabel& label) const {
    for (const SlotLabel& other : live_)
      if (other.is_region() == label.is_region() &&
          (other.uuid() == label.uuid() || other.extent().Overlaps(label.extent())))
        return &other;
    return nullptr;
  }

  const std::shared_ptr<Media> media_;
  const LabelRepairOptions& options_;
  std::optional<LabelArea> area_;
  bool saved_ = false;
  std::vector<SlotLabel> live_, stale_;  // the valid labels in use, and those in free slots
  LabelRepairReport report_;
};

absl::Status NoSuchSlot(uint32_t slot, uint32_t count) {
  return Refusal(EINVAL, "label.slot.range",
                 absl::StrCat("there is no slot ", slot, ": there are ", count));
}

absl::Status NothingThere(uint32_t slot) {
  return Refusal(ENOENT, "label.slot.free",
                 absl::StrCat("slot ", slot, " holds no label that is in the way"));
}

// In an area without an index.
absl::Status ZeroSlot(Media& media, uint32_t slot, const LabelRepairOptions& options,
                      const std::function<absl::Status()>& keep) {
  ASSIGN_OR_RETURN(const std::vector<Reading> readings, ReadAll(media, options.capacity));
  const Reading& reading = MostLabels(readings);
  const LabelGeometry& geometry = reading.geometry;
  if (slot >= geometry.slot_count) return NoSuchSlot(slot, geometry.slot_count);
  if (std::none_of(reading.labels.begin(), reading.labels.end(),
                   [slot](const SlotLabel& label) { return label.slot == slot; }))
    return NothingThere(slot);
  RETURN_IF_ERROR(keep());
  const std::vector<std::byte> zeros(geometry.label_size);
  return WriteDurably(media, geometry.slot_offset(slot), zeros);
}

}  // namespace

absl::StatusOr<LabelRepairReport> RepairLabelArea(const std::shared_ptr<Media>& area,
                                                  const LabelRepairOptions& options) {
  return Repairer(area, options).Run();
}

absl::Status GiveUpSlot(const std::shared_ptr<Media>& media, uint32_t slot,
                        const LabelRepairOptions& options,
                        const std::function<absl::Status()>& keep) {
  ASSIGN_OR_RETURN(LabelArea area, LabelArea::Open(media, options.expect_cxl));
  if (!area.has_index()) return ZeroSlot(*media, slot, options, keep);
  RETURN_IF_ERROR(area.CheckWritable());
  if (slot >= area.slot_count()) return NoSuchSlot(slot, area.slot_count());
  const std::vector<uint32_t> unreadable = area.UnreadableSlots();
  if (std::binary_search(unreadable.begin(), unreadable.end(), slot)) {
    RETURN_IF_ERROR(keep());
    return area.Update(std::nullopt, {slot}).status();
  }
  for (const StoredLabel& stored : area.labels())
    if (stored.slot == slot)
      return Refusal(EBUSY, "label.slot.in_use",
                     absl::StrCat("slot ", slot, " holds the label of namespace ",
                                  stored.label.uuid.ToString(), ": destroy that in a mount"));
  return NothingThere(slot);
}

}  // namespace nvdimmfs::core
