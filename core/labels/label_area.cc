#include "core/labels/label_area.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/labels/durable_store.h"
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
// How much of an area without an index Open looks at: as many bytes hold 65536 labels. Initialise
// looks at the rest.
constexpr uint64_t kLookedAt = 16 * 1024 * 1024;

uint32_t LabelSizeOf(LabelVersion version) {
  return version == LabelVersion::kV1_1 ? kLabelSizeV1_1 : kLabelSizeV1_2;
}

absl::Status TooSmall(uint64_t size, uint32_t label_size) {
  return Refusal(ENXIO, "label.area.size",
                 absl::StrCat("label area of ", size, " bytes: two index blocks and two labels of ",
                              label_size, " bytes need ", 2 * kIndexUnit + 2 * label_size,
                              ", and more than ", kMaxLabelArea, " is not addressable"));
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

// How much a refusal says of a block that was tried for several label sizes.
int Weight(const absl::Status& refusal) {
  const std::string reason = ReasonOf(refusal);
  if (reason == "label.index.signature") return 0;
  return reason == "label.index.label_size" ? 1 : 2;
}

// The versions that this program writes, each with its label size.
bool IsKnownVersion(const LabelIndex& index, uint32_t label_size) {
  const auto version = std::pair(index.major(), index.minor());
  if (label_size == kLabelSizeV1_1) return version == std::pair<uint16_t, uint16_t>(1, 1);
  return version == std::pair<uint16_t, uint16_t>(1, 2) ||
         version == std::pair<uint16_t, uint16_t>(2, 1);
}

std::string VersionText(const LabelIndex& index) {
  return absl::StrCat(index.major(), ".", index.minor());
}

absl::Status Damaged(uint64_t first) {
  return Refusal(
      EUCLEAN, "label.area.damaged",
      absl::StrCat("the label area has no valid index block, and is not blank (byte ", first,
                   " is not zero): its labels are not read, and it is not taken "
                   "into use"));
}

// Whether `found`, the place of block 0, may be what a power cut left of the first store of an
// Initialise: words of `fresh`, which is stored without its signature first, and zeros.
bool IsPartOf(absl::Span<const std::byte> found, absl::Span<const std::byte> fresh) {
  bool complete = true;
  for (size_t at = 0; at < found.size(); at += sizeof(uint64_t)) {
    const auto word = LoadLe<uint64_t>(found.data() + at);
    const bool is_fresh = word == LoadLe<uint64_t>(fresh.data() + at);
    if (word != 0 && !is_fresh) return false;
    if (at < kIndexSignature.size()) complete = complete && is_fresh;
  }
  return !complete;
}

absl::Status Unreadable(const absl::Status& why) {
  return Refusal(EUCLEAN, "label.area.unreadable",
                 absl::StrCat("the label area has no valid index block, and whether it is blank "
                              "cannot be told: ",
                              why.message()));
}

// Block 0 as Initialise writes it for labels of `version`; `geometry` is that of their size.
std::vector<std::byte> FreshBlock(const LabelGeometry& geometry, bool cxl) {
  LabelIndex fresh = LabelIndex::Fresh(geometry);
  fresh.set_cxl(cxl);
  fresh.NormaliseVersion(geometry);
  fresh.set_sequence(kFirstSequence);
  return fresh.Encode(geometry, 0);
}

// Where the first byte lies in `range` that is not zero.
absl::StatusOr<std::optional<uint64_t>> FirstNonZero(const Media& media, const Range& range) {
  const std::vector<std::byte> zeros(kReadBatch);
  std::vector<std::byte> piece;
  for (uint64_t at = range.start; at < range.end(); at += piece.size()) {
    piece.resize(std::min<uint64_t>(kReadBatch, range.end() - at));
    RETURN_IF_ERROR(media.Peek(at, absl::MakeSpan(piece)));
    if (std::memcmp(piece.data(), zeros.data(), piece.size()) == 0) continue;
    const auto found = std::find_if(piece.begin(), piece.end(),
                                    [](std::byte byte) { return byte != std::byte{0}; });
    return at + static_cast<uint64_t>(found - piece.begin());
  }
  return std::nullopt;
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
  // Of an area without an index: why the first label must not take it into use.
  absl::Status in_the_way;
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
  void JudgeVersion();
  absl::StatusOr<std::optional<uint64_t>> FirstOfSomebody() const;
  void JudgeWithoutIndex(const std::vector<Candidates>& tried);
  bool known_version() const { return IsKnownVersion(*index, geometry.label_size); }
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
  std::vector<Candidates> tried;
  for (const LabelGeometry& candidate : geometries) {
    ASSIGN_OR_RETURN(const Candidates candidates, ReadCandidates(*media, candidate));
    std::optional<Chosen> chosen = Choose(candidates);
    tried.push_back(candidates);
    if (!chosen) continue;
    Judge(candidates);
    geometry = candidate;
    twin_sequence = chosen->index.sequence();
    Adopt(std::move(chosen->index), chosen->position);
    JudgeVersion();
    return ReadInOneFormat();
  }
  JudgeWithoutIndex(tried);
  return absl::OkStatus();
}

// What is wrong with the twin of a valid block.
void LabelArea::State::Judge(const Candidates& candidates) {
  for (int position : {0, 1}) {
    const absl::Status& verdict = candidates.blocks[static_cast<size_t>(position)].status();
    if (verdict.ok()) continue;
    Add({.reason = ReasonOf(verdict),
         .offset = candidates.geometry.index_offset(position),
         .sentence = absl::StrCat(verdict.message(),
                                  "; its twin is used, which may be one change of a label older")});
  }
}

void LabelArea::State::JudgeVersion() {
  if (known_version()) return;
  Add({.reason = "label.index.version",
       .offset = geometry.index_offset(current),
       .sentence =
           absl::StrCat("label index block ", current, " has version ", VersionText(*index),
                        " with labels of ", geometry.label_size,
                        " bytes, which this program does not know: the labels are read as a "
                        "kernel reads them, and none is changed")});
}

// The first byte that an area in its first state does not have: it is all zeros, or what a power
// cut left of its Initialise.
absl::StatusOr<std::optional<uint64_t>> LabelArea::State::FirstOfSomebody() const {
  const Range looked_at = {0, std::min(media->size(), kLookedAt)};
  ASSIGN_OR_RETURN(const std::optional<uint64_t> first, FirstNonZero(*media, looked_at));
  for (const LabelGeometry& candidate : GeometriesOf(media->size())) {
    if (!first || *first >= candidate.index_size) continue;
    std::vector<std::byte> block(candidate.index_size);
    RETURN_IF_ERROR(media->Peek(0, absl::MakeSpan(block)));
    for (const bool as_cxl : {false, true}) {
      if (!IsPartOf(block, FreshBlock(candidate, as_cxl))) continue;
      const Range behind = {block.size(), looked_at.size - block.size()};
      ASSIGN_OR_RETURN(const std::optional<uint64_t> other, FirstNonZero(*media, behind));
      if (!other) return other;
    }
  }
  return first;
}

// Of each place the verdict that says most, and whether anything is there at all.
void LabelArea::State::JudgeWithoutIndex(const std::vector<Candidates>& tried) {
  const auto first = FirstOfSomebody();
  if (first.ok() && !*first) return;
  for (size_t position : {0, 1}) {
    const Candidates* best = &tried.back();
    for (const Candidates& candidates : tried)
      if (Weight(candidates.blocks[position].status()) > Weight(best->blocks[position].status()))
        best = &candidates;
    const absl::Status& verdict = best->blocks[position].status();
    Add({.reason = ReasonOf(verdict),
         .offset = best->geometry.index_offset(static_cast<int>(position)),
         .sentence = std::string(verdict.message())});
  }
  in_the_way = first.ok() ? Damaged(**first) : Unreadable(first.status());
  Add({.reason = ReasonOf(in_the_way),
       .offset = first.ok() ? **first : 0,
       .sentence = std::string(in_the_way.message())});
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
  if (other_labels) {
    if (known_version())
      Add({.reason = "label.index.mixed",
           .offset = geometry.index_offset(current),
           .sentence =
               absl::StrCat("label index block ", current, " has version ", VersionText(*index),
                            " (CXL), its labels are those of version 1.2: the next change "
                            "of a label makes it 1.2, as a kernel does")});
    return absl::OkStatus();
  }
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
  in_the_way = absl::OkStatus();
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
  // Its signature last: a cut in between is then known for what it is (FirstOfSomebody).
  const std::vector<std::byte> block = FreshBlock(geometry, cxl_labels);
  const auto bytes = absl::MakeConstSpan(block);
  RETURN_IF_ERROR(
      WriteDurably(*media, kIndexSignature.size(), bytes.subspan(kIndexSignature.size())));
  RETURN_IF_ERROR(WriteDurably(*media, 0, bytes.first(kIndexSignature.size())));
  ASSIGN_OR_RETURN(LabelIndex fresh, LabelIndex::Parse(block, geometry, 0));
  fresh.set_cxl(cxl_labels);
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

LabelVerdict LabelArea::verdict() const {
  if (!has_index()) return state_->in_the_way.ok() ? LabelVerdict::kBlank : LabelVerdict::kDamaged;
  if (!state_->known_version()) return LabelVerdict::kUnknownVersion;
  return findings().empty() ? LabelVerdict::kSound : LabelVerdict::kFindings;
}

uint32_t LabelArea::unreadable_slots() const {
  if (!has_index()) return 0;
  return slot_count() - free_slots() -
         static_cast<uint32_t>(labels().size() + region_labels().size());
}

std::vector<uint32_t> LabelArea::UnreadableSlots() const {
  std::vector<uint32_t> slots;
  if (unreadable_slots() == 0) return slots;
  absl::flat_hash_set<uint32_t> valid;
  for (const StoredLabel& stored : labels()) valid.insert(stored.slot);
  for (const StoredRegionLabel& stored : region_labels()) valid.insert(stored.slot);
  for (auto slot = state_->index->NextUsed(0); slot; slot = state_->index->NextUsed(*slot + 1))
    if (!valid.contains(*slot)) slots.push_back(*slot);
  return slots;
}

absl::Status LabelArea::CheckBlank() const {
  if (has_index())
    return Refusal(EEXIST, "label.area.in_use",
                   absl::StrCat("the label area is in use already: version ",
                                VersionText(*state_->index), ", ", labels().size(), " labels"));
  RETURN_IF_ERROR(state_->in_the_way);
  if (size() <= kLookedAt) return absl::OkStatus();
  const auto first = FirstNonZero(*state_->media, {kLookedAt, size() - kLookedAt});
  if (!first.ok()) return Unreadable(first.status());
  return *first ? Damaged(**first) : absl::OkStatus();
}

absl::Status LabelArea::CheckWritable() const {
  if (!has_index())
    return Refusal(ENXIO, "label.index.none",
                   "update a label: the label area has no valid index; initialise it first");
  if (state_->known_version()) return absl::OkStatus();
  return Refusal(EOPNOTSUPP, "label.index.version",
                 absl::StrCat("change a label: the label index has version ",
                              VersionText(*state_->index), " with labels of ", label_size(),
                              " bytes, which this program does not know how to write"));
}

absl::Status LabelArea::Initialise(LabelVersion version) {
  RETURN_IF_ERROR(CheckBlank());
  return InitialiseOver(version);
}

absl::Status LabelArea::InitialiseOver(LabelVersion version) {
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

absl::Status LabelArea::RestoreTwin() {
  RETURN_IF_ERROR(CheckWritable());
  RETURN_IF_ERROR(state_->Settle());
  return state_->Commit(*state_->index);
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
  RETURN_IF_ERROR(CheckWritable());
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
