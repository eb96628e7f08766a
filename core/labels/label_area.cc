#include "core/labels/label_area.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/label_signature.h"

namespace nvdimmfs::core {
namespace {

// Of a hostile area nobody reads millions of lines.
constexpr size_t kMaxFindings = 256;
// Neighbouring slots are read together, up to this many bytes.
constexpr uint64_t kReadBatch = 64 * 1024;

uint32_t LabelSizeOf(LabelVersion version) {
  return version == LabelVersion::kV1_1 ? kLabelSizeV1_1 : kLabelSizeV1_2;
}

absl::Status TooSmall(uint64_t size, uint32_t label_size) {
  return Refusal(ENXIO, "label.area.size",
                 absl::StrCat("label area of ", size, " bytes: two index blocks and two labels of ",
                              label_size, " bytes need ", 2 * kIndexUnit + 2 * label_size,
                              ", and more than ", kMaxLabelArea, " is not addressable"));
}

// On the device, whatever the power does, when it returns.
absl::Status WriteDurably(Media& media, uint64_t offset, absl::Span<const std::byte> bytes) {
  RETURN_IF_ERROR(media.WriteThrough(offset, bytes));
  RETURN_IF_ERROR(media.Drain());
  return media.Flush();
}

// A valid index pair reduced to the block that counts.
struct Chosen {
  LabelGeometry geometry;
  LabelIndex index;
  int position = 0;
};

// What was found at the places of the index blocks for one label size.
struct Candidates {
  LabelGeometry geometry;
  std::vector<absl::StatusOr<LabelIndex>> blocks;  // two
};

absl::StatusOr<Candidates> ReadCandidates(const Media& media, const LabelGeometry& geometry) {
  Candidates candidates{.geometry = geometry, .blocks = {}};
  std::vector<std::byte> block(geometry.index_size);
  for (int position : {0, 1}) {
    const absl::Status read = media.Read(geometry.index_offset(position), absl::MakeSpan(block));
    if (!read.ok()) return Annotate(read, absl::StrCat("read label index block ", position));
    candidates.blocks.push_back(LabelIndex::Parse(block, geometry, position));
  }
  return candidates;
}

std::optional<Chosen> Choose(const Candidates& candidates) {
  const absl::StatusOr<LabelIndex>& first = candidates.blocks[0];
  const absl::StatusOr<LabelIndex>& second = candidates.blocks[1];
  if (!first.ok() && !second.ok()) return std::nullopt;
  int position = first.ok() ? 0 : 1;
  if (first.ok() && second.ok()) position = NewerIndex(first->sequence(), second->sequence());
  return Chosen{candidates.geometry, *candidates.blocks[static_cast<size_t>(position)], position};
}

// The label sizes in the order in which they are tried.
std::vector<LabelGeometry> GeometriesOf(uint64_t area_size) {
  std::vector<LabelGeometry> geometries;
  for (uint32_t label_size : {kLabelSizeV1_1, kLabelSizeV1_2}) {
    if (const auto geometry = LabelGeometry::For(area_size, label_size))
      geometries.push_back(*geometry);
  }
  return geometries;
}

// Whether a refused block was meant to be one: blank places are no news.
bool IsWorthTelling(const absl::Status& refusal) {
  const std::string reason = ReasonOf(refusal);
  return reason != "label.index.signature" && reason != "label.index.label_size";
}

}  // namespace

struct LabelArea::State {
  std::shared_ptr<Media> media;
  LabelGeometry geometry;
  std::optional<LabelIndex> index;  // the current one; none while blank
  int current = -1;
  // The sequence that the twin counts from. That of the current index, except right after
  // Initialise.
  uint32_t twin_sequence = 0;
  // The twin may hold a newer index whose commit failed halfway.
  bool twin_in_doubt = false;
  // Whether this object knows the current index to be durable: it wrote it, or pushed it again.
  bool durable = false;
  uint32_t free_slots = 0;
  bool expect_cxl = false;
  bool cxl = false;  // labels are CXL's
  std::vector<StoredLabel> labels;
  std::vector<StoredRegionLabel> region_labels;
  std::vector<Finding> findings;

  absl::Status Load();
  absl::Status ReadInOneFormat();
  absl::Status ReadAgain(bool as_cxl, const std::vector<Finding>& of_index);
  absl::Status ReadLabels();
  absl::Status ReadRun(uint32_t first, uint32_t count);
  void ReadSlot(uint32_t slot, absl::Span<const std::byte> bytes);
  absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes, uint32_t slot) const;
  std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const;
  void TellIfUpdating(uint32_t slot, absl::string_view kind, const Uuid& uuid, uint32_t flags);
  void Judge(const Candidates& candidates);
  void Add(Finding finding);
  void DropFindingsAt(uint64_t offset);

  absl::Status Commit(LabelIndex next);
  absl::Status Settle();
  absl::Status Empty();
  absl::Status Erase();
  absl::Status WriteFresh(bool cxl_labels);
  void Adopt(LabelIndex fresh_index, int position);
  void Forget(absl::Span<const uint32_t> slots);
  void Remember(uint32_t slot, AnyLabel label);
  void MakeBlank(const LabelGeometry& fresh);
};

// --- reading ---

absl::Status LabelArea::State::Load() {
  const std::vector<LabelGeometry> geometries = GeometriesOf(media->size());
  if (geometries.empty()) return TooSmall(media->size(), kLabelSizeV1_1);
  MakeBlank(geometries.back());
  for (const LabelGeometry& tried : geometries) {
    ASSIGN_OR_RETURN(const Candidates candidates, ReadCandidates(*media, tried));
    std::optional<Chosen> chosen = Choose(candidates);
    if (!chosen) {
      Judge(candidates);
      continue;
    }
    findings.clear();  // of a label size that it was not
    Judge(candidates);
    geometry = tried;
    twin_sequence = chosen->index.sequence();
    Adopt(std::move(chosen->index), chosen->position);
    return ReadInOneFormat();
  }
  return absl::OkStatus();
}

void LabelArea::State::Judge(const Candidates& candidates) {
  for (int position : {0, 1}) {
    const absl::Status& verdict = candidates.blocks[static_cast<size_t>(position)].status();
    const bool has_sound_twin = candidates.blocks[static_cast<size_t>(1 - position)].ok();
    if (verdict.ok() || !(has_sound_twin || IsWorthTelling(verdict))) continue;
    Add({.reason = ReasonOf(verdict),
         .offset = candidates.geometry.index_offset(position),
         .sentence = absl::StrCat(verdict.message(), has_sound_twin ? "; its twin is used" : "")});
  }
}

// CXL labels have an index of version 2.1 or later, but such an index does not make CXL labels:
// kernels that do not know them took over whatever index they found.
absl::Status LabelArea::State::ReadInOneFormat() {
  const bool may_be_cxl = index->major() > 2 || (index->major() == 2 && index->minor() >= 1);
  if (geometry.label_size != kLabelSizeV1_2 || !may_be_cxl) return ReadLabels();
  const std::vector<Finding> of_index = findings;
  RETURN_IF_ERROR(ReadLabels());
  // A CXL namespace's label passes the checks of a v1.2 label, as slot number and checksum lie at
  // the same places, and so does a region's in slot 0; the uuid is then the type.
  const bool other_labels =
      std::any_of(labels.begin(), labels.end(), [](const StoredLabel& stored) {
        return stored.label.uuid != kCxlNamespaceLabelType &&
               stored.label.uuid != kCxlRegionLabelType;
      });
  if (other_labels) return absl::OkStatus();
  RETURN_IF_ERROR(ReadAgain(true, of_index));
  if (!labels.empty() || !region_labels.empty() || expect_cxl) return absl::OkStatus();
  return ReadAgain(false, of_index);
}

absl::Status LabelArea::State::ReadAgain(bool as_cxl, const std::vector<Finding>& of_index) {
  cxl = as_cxl;
  index->set_cxl(as_cxl);
  labels.clear();
  region_labels.clear();
  findings = of_index;
  return ReadLabels();
}

absl::Status LabelArea::State::ReadLabels() {
  const uint32_t batch = static_cast<uint32_t>(kReadBatch / geometry.label_size);
  std::optional<uint32_t> slot = index->NextUsed(0);
  while (slot) {
    uint32_t count = 1;
    while (count < batch && *slot + count < index->slot_count() && !index->IsFree(*slot + count))
      ++count;
    RETURN_IF_ERROR(ReadRun(*slot, count));
    slot = index->NextUsed(*slot + count);
  }
  return absl::OkStatus();
}

absl::Status LabelArea::State::ReadRun(uint32_t first, uint32_t count) {
  std::vector<std::byte> run(uint64_t{count} * geometry.label_size);
  const absl::Status read = media->Read(geometry.slot_offset(first), absl::MakeSpan(run));
  if (!read.ok())
    return Annotate(read, absl::StrCat("read label slots ", first, " to ", first + count - 1));
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t slot = first + i;
    const absl::Span<const std::byte> bytes(run.data() + uint64_t{i} * geometry.label_size,
                                            geometry.label_size);
    ReadSlot(slot, bytes);
  }
  return absl::OkStatus();
}

void LabelArea::State::ReadSlot(uint32_t slot, absl::Span<const std::byte> bytes) {
  absl::StatusOr<AnyLabel> label = Parse(bytes, slot);
  if (!label.ok()) {
    Add({.reason = ReasonOf(label.status()),
         .offset = geometry.slot_offset(slot),
         .sentence = std::string(label.status().message())});
    return;
  }
  if (auto* ns = std::get_if<NamespaceLabel>(&*label)) {
    TellIfUpdating(slot, "namespace", ns->uuid, ns->flags);
    labels.push_back({slot, std::move(*ns)});
  } else if (const auto* region = std::get_if<RegionLabel>(&*label)) {
    TellIfUpdating(slot, "region", region->uuid, region->flags);
    region_labels.push_back({slot, *region});
  }
}

absl::StatusOr<LabelArea::AnyLabel> LabelArea::State::Parse(absl::Span<const std::byte> bytes,
                                                            uint32_t slot) const {
  if (!cxl) {
    ASSIGN_OR_RETURN(NamespaceLabel label, ParseLabel(bytes, slot));
    return AnyLabel(std::move(label));
  }
  ASSIGN_OR_RETURN(CxlLabel label, ParseCxlLabel(bytes, slot));
  return std::visit([](auto& of_kind) { return AnyLabel(std::move(of_kind)); }, label);
}

std::vector<std::byte> LabelArea::State::Encode(const AnyLabel& label, uint32_t slot) const {
  if (const auto* region = std::get_if<RegionLabel>(&label)) return EncodeCxlLabel(*region, slot);
  const NamespaceLabel& ns = std::get<NamespaceLabel>(label);
  return cxl ? EncodeCxlLabel(ns, slot) : EncodeLabel(ns, slot, geometry.label_size);
}

void LabelArea::State::TellIfUpdating(uint32_t slot, absl::string_view kind, const Uuid& uuid,
                                      uint32_t flags) {
  if ((flags & kLabelUpdating) == 0) return;
  Add({.reason = "label.slot.updating",
       .offset = geometry.slot_offset(slot),
       .sentence = absl::StrCat("label in slot ", slot, " of ", kind, " ", uuid.ToString(),
                                " is marked as being updated: the update was interrupted; "
                                "the label is used, and its next change clears the mark")});
}

void LabelArea::State::Add(Finding finding) {
  if (findings.size() < kMaxFindings) {
    findings.push_back(std::move(finding));
  } else if (findings.size() == kMaxFindings) {
    findings.push_back({.reason = "label.findings",
                        .offset = finding.offset,
                        .sentence = "further findings in this label area are not listed"});
  }
}

void LabelArea::State::DropFindingsAt(uint64_t offset) {
  std::erase_if(findings, [offset](const Finding& finding) {
    return finding.offset == offset && finding.reason != "label.findings";
  });
}

// --- state in memory ---

void LabelArea::State::MakeBlank(const LabelGeometry& fresh) {
  geometry = fresh;
  index.reset();
  current = -1;
  twin_sequence = 0;
  twin_in_doubt = false;
  durable = false;
  free_slots = fresh.slot_count;
  cxl = false;
  labels.clear();
  region_labels.clear();
  findings.clear();
}

void LabelArea::State::Adopt(LabelIndex adopted, int position) {
  index = std::move(adopted);
  current = position;
  free_slots = index->CountFree();
}

namespace {

template <typename Stored>
auto PlaceOf(std::vector<Stored>& all, uint32_t slot) {
  return std::lower_bound(all.begin(), all.end(), slot,
                          [](const Stored& other, uint32_t slot) { return other.slot < slot; });
}

template <typename Stored>
void EraseSlot(std::vector<Stored>& all, uint32_t slot) {
  const auto at = PlaceOf(all, slot);
  if (at != all.end() && at->slot == slot) all.erase(at);
}

template <typename Stored>
void InsertBySlot(std::vector<Stored>& all, Stored stored) {
  all.insert(PlaceOf(all, stored.slot), std::move(stored));
}

}  // namespace

void LabelArea::State::Forget(absl::Span<const uint32_t> slots) {
  for (const uint32_t slot : slots) {
    DropFindingsAt(geometry.slot_offset(slot));
    if (!index->IsFree(slot)) continue;
    EraseSlot(labels, slot);
    EraseSlot(region_labels, slot);
  }
}

void LabelArea::State::Remember(uint32_t slot, AnyLabel label) {
  if (auto* ns = std::get_if<NamespaceLabel>(&label))
    InsertBySlot(labels, StoredLabel{slot, std::move(*ns)});
  else
    InsertBySlot(region_labels, StoredRegionLabel{slot, std::get<RegionLabel>(label)});
}

// --- writing ---

// Writes `next` over the block that is not current, and makes it the current one. The persist in
// WriteDurably is what commits: before it a reader finds the old block, whose twin is torn or old.
absl::Status LabelArea::State::Commit(LabelIndex next) {
  const int twin = 1 - current;
  next.NormaliseVersion(geometry);
  next.set_sequence(NextSequence(twin_sequence));
  const absl::Status written =
      WriteDurably(*media, geometry.index_offset(twin), next.Encode(geometry, twin));
  if (!written.ok()) {
    twin_in_doubt = true;
    return Annotate(written, absl::StrCat("commit label index block ", twin));
  }
  twin_in_doubt = false;
  durable = true;
  twin_sequence = next.sequence();
  DropFindingsAt(geometry.index_offset(twin));
  Adopt(std::move(next), twin);
  return absl::OkStatus();
}

// Makes sure that the current index, and no other, is what a power cut now would leave. Without it
// the slot to be written might be in use by the other one.
absl::Status LabelArea::State::Settle() {
  if (twin_in_doubt) return Commit(*index);
  if (durable) return absl::OkStatus();
  // Found by Open, perhaps written by a process that died before its flush.
  RETURN_IF_ERROR(media->Persist(0, geometry.label_offset()));
  RETURN_IF_ERROR(media->Flush());
  durable = true;
  return absl::OkStatus();
}

// Frees every slot. The block that stays behind is the old current one, so that whichever of the
// two is destroyed next, the other holds all of the old labels or none.
absl::Status LabelArea::State::Empty() {
  RETURN_IF_ERROR(Settle());
  LabelIndex empty = *index;
  empty.SetAllFree();
  return Commit(std::move(empty));
}

// Zeroes both index blocks. Used between two label sizes, whose index blocks lie at different
// places: a leftover of the 128-byte kind would be preferred to the new ones.
absl::Status LabelArea::State::Erase() {
  const std::vector<std::byte> zeros(geometry.label_offset());
  return WriteDurably(*media, 0, zeros);
}

absl::Status LabelArea::State::WriteFresh(bool cxl_labels) {
  LabelIndex fresh = LabelIndex::Fresh(geometry);
  fresh.set_cxl(cxl_labels);
  fresh.NormaliseVersion(geometry);
  fresh.set_sequence(kFirstSequence);
  RETURN_IF_ERROR(WriteDurably(*media, geometry.index_offset(0), fresh.Encode(geometry, 0)));
  LabelIndex second = fresh;
  second.set_sequence(kSecondSequence);
  RETURN_IF_ERROR(WriteDurably(*media, geometry.index_offset(1), second.Encode(geometry, 1)));
  Adopt(std::move(fresh), 0);
  cxl = cxl_labels;
  twin_sequence = kSecondSequence;
  durable = true;
  return absl::OkStatus();
}

// --- the public class ---

namespace {

// Of a label, for sentences.
template <typename AnyLabel>
std::string NameOfOwner(const AnyLabel& label) {
  if (const auto* region = std::get_if<RegionLabel>(&label))
    return "region " + region->uuid.ToString();
  return "namespace " + std::get<NamespaceLabel>(label).uuid.ToString();
}

}  // namespace

LabelArea::LabelArea(std::shared_ptr<State> state) : state_(std::move(state)) {}

absl::StatusOr<LabelArea> LabelArea::Open(std::shared_ptr<Media> media, bool expect_cxl) {
  auto state = std::make_shared<State>();
  state->media = std::move(media);
  state->expect_cxl = expect_cxl;
  RETURN_IF_ERROR(state->Load());
  return LabelArea(std::move(state));
}

bool LabelArea::HasIndex(const Media& media) {
  for (const LabelGeometry& geometry : GeometriesOf(media.size())) {
    // Blocks have up to 1/1000 of an area: who looks in many places must not read them all.
    if (!HasIndexSignature(media, geometry.index_offset(0)) &&
        !HasIndexSignature(media, geometry.index_offset(1)))
      continue;
    const absl::StatusOr<Candidates> candidates = ReadCandidates(media, geometry);
    if (candidates.ok() && Choose(*candidates)) return true;
  }
  return false;
}

std::vector<uint64_t> LabelArea::IndexOffsets(uint64_t size) {
  std::vector<uint64_t> offsets;
  for (const LabelGeometry& geometry : GeometriesOf(size))
    for (const int position : {0, 1}) offsets.push_back(geometry.index_offset(position));
  std::sort(offsets.begin(), offsets.end());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  return offsets;
}

uint64_t LabelArea::size() const { return state_->geometry.area_size; }
bool LabelArea::has_index() const { return state_->index.has_value(); }
uint16_t LabelArea::major() const { return has_index() ? state_->index->major() : 1; }
uint16_t LabelArea::minor() const {
  if (has_index()) return state_->index->minor();
  return label_size() == kLabelSizeV1_1 ? 1 : 2;
}
bool LabelArea::is_v1_1() const { return has_index() && major() == 1 && minor() == 1; }
uint32_t LabelArea::label_size() const { return state_->geometry.label_size; }
uint32_t LabelArea::slot_count() const {
  return has_index() ? state_->index->slot_count() : state_->geometry.slot_count;
}
uint32_t LabelArea::free_slots() const { return state_->free_slots; }
uint32_t LabelArea::sequence() const { return has_index() ? state_->index->sequence() : 0; }
int LabelArea::current() const { return state_->current; }
uint64_t LabelArea::slot_offset(uint32_t slot) const { return state_->geometry.slot_offset(slot); }
bool LabelArea::is_cxl() const { return has_index() && state_->cxl; }
const std::vector<StoredLabel>& LabelArea::labels() const { return state_->labels; }
const std::vector<StoredRegionLabel>& LabelArea::region_labels() const {
  return state_->region_labels;
}
const std::vector<Finding>& LabelArea::findings() const { return state_->findings; }

absl::Status LabelArea::Initialise(LabelVersion version) {
  const uint32_t label_size = LabelSizeOf(version);
  const auto fresh = LabelGeometry::For(size(), label_size);
  if (!fresh) return TooSmall(size(), label_size);
  absl::Status status;
  if (has_index()) {
    status = state_->Empty();
    // So that no index of another version is left that finds labels of this one.
    const bool other_kind = is_cxl() != (version == LabelVersion::kV2_1);
    if (status.ok() && (*fresh != state_->geometry || other_kind)) status = state_->Erase();
  }
  if (status.ok()) {
    state_->MakeBlank(*fresh);
    status = state_->WriteFresh(version == LabelVersion::kV2_1);
  }
  if (status.ok()) return status;
  // How far it came is for the media to say.
  if (!state_->Load().ok()) state_->MakeBlank(*fresh);
  return Annotate(status, absl::StrCat("initialise a label area of ", size(), " bytes"));
}

absl::StatusOr<std::optional<uint32_t>> LabelArea::Update(
    const std::optional<NamespaceLabel>& label, absl::Span<const uint32_t> slots_to_free) {
  return Store(label ? AnyLabel(*label) : AnyLabel(), slots_to_free);
}

absl::StatusOr<uint32_t> LabelArea::UpdateRegion(const RegionLabel& label,
                                                 absl::Span<const uint32_t> slots_to_free) {
  if (!is_cxl())
    return Refusal(
        EINVAL, "label.region.version",
        "store a region's label: the label area's version has none; only 2.1 (CXL) does");
  ASSIGN_OR_RETURN(const std::optional<uint32_t> slot, Store(label, slots_to_free));
  return slot.value();
}

absl::StatusOr<std::optional<uint32_t>> LabelArea::Store(const AnyLabel& label,
                                                         absl::Span<const uint32_t> slots_to_free) {
  State& state = *state_;
  const bool is_label = !std::holds_alternative<std::monostate>(label);
  if (!has_index())
    return Refusal(ENXIO, "label.index.none",
                   "update a label: the label area has no valid index; initialise it first");
  for (uint32_t slot : slots_to_free) {
    if (slot >= slot_count())
      return Refusal(EINVAL, "label.slot.range",
                     absl::StrCat("free label slot ", slot, ": there are ", slot_count()));
  }
  // Of what is free now, not of what this update frees: those slots are in use until the commit.
  const std::optional<uint32_t> slot = is_label ? state.index->LowestFree() : std::nullopt;
  if (is_label && !slot)
    return Refusal(ENXIO, "label.slots.full",
                   absl::StrCat("store the label of ", NameOfOwner(label), ": all ", slot_count(),
                                " label slots are in use; delete a namespace, or free slots that "
                                "hold no valid label with a repair"));
  RETURN_IF_ERROR(state.Settle());
  std::vector<std::byte> bytes;
  if (slot) {
    bytes = state.Encode(label, *slot);
    const absl::Status written = WriteDurably(*state.media, slot_offset(*slot), bytes);
    if (!written.ok()) return Annotate(written, absl::StrCat("write label slot ", *slot));
  }
  LabelIndex next = *state.index;
  for (uint32_t freed : slots_to_free) next.SetFree(freed, true);
  if (slot) next.SetFree(*slot, false);
  RETURN_IF_ERROR(state.Commit(std::move(next)));

  state.Forget(slots_to_free);
  if (slot) state.Remember(*slot, *state.Parse(bytes, *slot));
  return slot;
}

}  // namespace nvdimmfs::core
