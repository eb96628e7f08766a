// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_area.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/blank_area.h"
#include "core/labels/durable_store.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_findings.h"
#include "core/labels/label_format.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"

namespace nvdimmfs::core {
namespace {

absl::Status TooSmall(uint64_t size, uint32_t label_size) {
  return Refusal(ENXIO, "label.area.size",
                 absl::StrCat("label area of ", size,
                              " bytes is too small: two index blocks and two labels of ",
                              label_size, " bytes need ", 2 * kIndexUnit + 2 * label_size));
}

absl::Status TooLarge(uint64_t size) {
  return Refusal(
      ENXIO, "label.area.size",
      absl::StrCat("label area of ", size, " bytes is too large: maximum ", kMaxLabelArea));
}

absl::Status CheckSize(uint64_t size, uint32_t label_size) {
  if (LabelGeometry::For(size, label_size)) return absl::OkStatus();
  return size > kMaxLabelArea ? TooLarge(size) : TooSmall(size, label_size);
}

// How informative a refusal is, for a block that was tried with several label sizes.
int Weight(const absl::Status& refusal) {
  const std::string reason = ReasonOf(refusal);
  if (reason == "label.index.signature") return 0;
  return reason == "label.index.label_size" ? 1 : 2;
}

std::string NameOfOwner(const AnyLabel& label) {
  if (const auto* region = std::get_if<RegionLabel>(&label))
    return "region " + region->uuid.ToString();
  return "namespace " + std::get<NamespaceLabel>(label).uuid.ToString();
}

}  // namespace

struct LabelArea::State {
  std::shared_ptr<Media> media;
  const LabelVersion* expected;
  LabelGeometry geometry;
  std::optional<LabelIndex> index;  // the current one, if there is a valid one
  const LabelVersion* version;      // never null
  int current = -1;
  // The sequence that the twin follows: that of the current index, except right after Initialise.
  uint32_t twin_sequence = 0;
  // The twin may hold a newer index whose commit failed part-way.
  bool twin_in_doubt = false;
  // Whether the current index is known to be durable: this object has written it, or pushed it
  // again.
  bool durable = false;
  uint32_t free_slots = 0;
  // Without an index: why the first label must not take the area into use.
  absl::Status in_the_way;
  LabelSlots slots;
  LabelFindings findings;

  State(std::shared_ptr<Media> of, const LabelVersion& expected_version)
      : media(std::move(of)), expected(&expected_version), version(&LabelV1_2()) {}

  absl::Status Load();
  void JudgeTwin(const IndexPair& pair);
  void JudgeWithoutIndex(absl::Span<const IndexPair> tried);
  absl::Status ReadLabels();
  absl::StatusOr<const LabelVersion*> ReadByType(const LabelVersion* stated);
  absl::Status ReadAs(const LabelVersion& labels, const LabelFindings& of_index);

  absl::Status Commit(LabelIndex next);
  absl::Status Settle();
  absl::Status Empty();
  absl::Status Erase();
  absl::Status WriteFresh(const LabelVersion& fresh_version);
  void Adopt(LabelIndex fresh_index, int position);
  void Forget(absl::Span<const uint32_t> freed);
  void MakeBlank(const LabelGeometry& fresh);
};

// --- reading ---

absl::Status LabelArea::State::Load() {
  const std::vector<LabelGeometry> geometries = LabelGeometries(media->size());
  if (geometries.empty()) return CheckSize(media->size(), LabelSizes().front());
  MakeBlank(geometries.back());
  std::vector<IndexPair> tried;
  for (const LabelGeometry& candidate : geometries) {
    ASSIGN_OR_RETURN(IndexPair pair, IndexPair::Read(*media, candidate));
    if (const auto position = pair.current()) {
      JudgeTwin(pair);
      geometry = candidate;
      LabelIndex& chosen = *pair.blocks[static_cast<size_t>(*position)];
      twin_sequence = chosen.sequence();
      Adopt(std::move(chosen), *position);
      return ReadLabels();
    }
    tried.push_back(std::move(pair));
  }
  JudgeWithoutIndex(tried);
  return absl::OkStatus();
}

// Finds problems with the twin of a valid block.
void LabelArea::State::JudgeTwin(const IndexPair& pair) {
  for (const int position : {0, 1}) {
    const absl::Status& verdict = pair.blocks[static_cast<size_t>(position)].status();
    if (verdict.ok()) continue;
    findings.Add(ReasonOf(verdict), pair.geometry.index_offset(position),
                 absl::StrCat(verdict.message(),
                              "; its twin is used, which may be one change of a label older"));
  }
}

// For each block, the most informative refusal, and whether it holds anything at all.
void LabelArea::State::JudgeWithoutIndex(absl::Span<const IndexPair> tried) {
  BlankVerdict verdict = LookForBlank(*media);
  if (verdict.status.ok()) return;
  for (const size_t position : {0, 1}) {
    const auto weight = [position](const IndexPair& pair) {
      return Weight(pair.blocks[position].status());
    };
    const IndexPair* best = &tried.back();
    for (const IndexPair& pair : tried)
      if (weight(pair) > weight(*best)) best = &pair;
    const absl::Status& refusal = best->blocks[position].status();
    findings.Add(ReasonOf(refusal), best->geometry.index_offset(static_cast<int>(position)),
                 std::string(refusal.message()));
  }
  findings.Add(ReasonOf(verdict.status), verdict.offset, std::string(verdict.status.message()));
  in_the_way = std::move(verdict.status);
}

absl::Status LabelArea::State::ReadLabels() {
  const LabelVersion* stated = FindLabelVersion(index->number(), geometry.label_size);
  if (stated == nullptr)
    findings.Add("label.index.version", geometry.index_offset(current),
                 absl::StrCat("label index block ", current, " has version ",
                              index->number().ToString(), " with labels of ", geometry.label_size,
                              " bytes, which this program does not know: the labels are read as a "
                              "kernel reads them, and none is changed"));
  ASSIGN_OR_RETURN(const LabelVersion* const labels, ReadByType(stated));
  version = stated == nullptr ? &UnknownLabelVersion(*labels) : labels;
  return absl::OkStatus();
}

// Reads the slots according to their contents. An index of a version whose labels have types may
// also precede general labels of that size: kernels that do not know such labels take over any
// index that they find, and keep their own labels under it until they first write it.
absl::StatusOr<const LabelVersion*> LabelArea::State::ReadByType(const LabelVersion* stated) {
  const LabelFindings of_index = findings;
  if (stated != nullptr && stated->types().empty()) {
    RETURN_IF_ERROR(ReadAs(*stated, of_index));
    return stated;
  }
  const LabelVersion* const general = &GeneralLabelVersion(geometry.label_size);
  RETURN_IF_ERROR(ReadAs(*general, of_index));
  for (const LabelVersion* typed : LabelVersions()) {
    if (typed->types().empty() || typed->label_size() != geometry.label_size ||
        !typed->MayLieUnder(index->number()))
      continue;
    // A label with a type passes the checks of a general one if slot number and checksum are at the
    // same offsets; its uuid is then the type.
    const auto is_other = [typed](const StoredLabel& stored) {
      return !HasType(*typed, stored.label.uuid);
    };
    if (std::any_of(slots.labels().begin(), slots.labels().end(), is_other)) {
      if (stated != nullptr)
        findings.Add(
            "label.index.mixed", geometry.index_offset(current),
            absl::StrCat("label index block ", current, " has version ", index->number().ToString(),
                         ", its labels are those of version ", general->number().ToString(),
                         ": the next change of a label makes it ", general->number().ToString(),
                         ", as a kernel does"));
      return general;
    }
    RETURN_IF_ERROR(ReadAs(*typed, of_index));
    if (slots.count() != 0 || expected == typed) return typed;
    RETURN_IF_ERROR(ReadAs(*general, of_index));
  }
  return general;
}

absl::Status LabelArea::State::ReadAs(const LabelVersion& labels, const LabelFindings& of_index) {
  findings = of_index;
  ASSIGN_OR_RETURN(slots, LabelSlots::Read(*media, geometry, *index, labels, findings));
  return absl::OkStatus();
}

// --- state in memory ---

void LabelArea::State::MakeBlank(const LabelGeometry& fresh) {
  geometry = fresh;
  index.reset();
  version = &LabelV1_2();
  current = -1;
  twin_sequence = 0;
  twin_in_doubt = false;
  durable = false;
  free_slots = fresh.slot_count;
  in_the_way = absl::OkStatus();
  slots = {};
  findings = {};
}

void LabelArea::State::Adopt(LabelIndex adopted, int position) {
  index = std::move(adopted);
  current = position;
  free_slots = index->CountFree();
}

void LabelArea::State::Forget(absl::Span<const uint32_t> freed) {
  for (const uint32_t slot : freed) {
    findings.DropAt(geometry.slot_offset(slot));
    if (index->IsFree(slot)) slots.Erase(slot);
  }
}

// --- writing ---

// Writes `next` over the block that is not current, and makes it the current one. WriteDurably
// commits: before it returns, a reader may find the old block with a torn or old twin.
absl::Status LabelArea::State::Commit(LabelIndex next) {
  const int twin = 1 - current;
  next.set_version(version->as_written());
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
  findings.DropAt(geometry.index_offset(twin));
  Adopt(std::move(next), twin);
  return absl::OkStatus();
}

// Makes sure that after a power cut now, the current index would be in force, and no other.
// Otherwise the slot to be written might be in use by the other one.
absl::Status LabelArea::State::Settle() {
  if (twin_in_doubt) return Commit(*index);
  if (durable) return absl::OkStatus();
  // Found by Open; it may have been written by a process that died before its flush.
  RETURN_IF_ERROR(media->Persist(0, geometry.label_offset()));
  RETURN_IF_ERROR(media->Flush());
  durable = true;
  return absl::OkStatus();
}

// Frees every slot. The remaining block is the old current one, so that whichever of the two is
// overwritten next, the other has all of the old labels or none.
absl::Status LabelArea::State::Empty() {
  RETURN_IF_ERROR(Settle());
  LabelIndex empty = *index;
  empty.SetAllFree();
  return Commit(std::move(empty));
}

// Zeroes both index blocks. Used when the version changes. Index blocks for the two label sizes are
// at different offsets: a leftover block for 128-byte labels would be preferred to the new ones.
absl::Status LabelArea::State::Erase() {
  const std::vector<std::byte> zeros(geometry.label_offset());
  return WriteDurably(*media, 0, zeros);
}

absl::Status LabelArea::State::WriteFresh(const LabelVersion& fresh_version) {
  // Its signature last, so that LookForBlank recognises an interruption.
  const std::vector<std::byte> block = FreshIndexBlock(geometry, fresh_version);
  const auto bytes = absl::MakeConstSpan(block);
  RETURN_IF_ERROR(
      WriteDurably(*media, kIndexSignature.size(), bytes.subspan(kIndexSignature.size())));
  RETURN_IF_ERROR(WriteDurably(*media, 0, bytes.first(kIndexSignature.size())));
  ASSIGN_OR_RETURN(LabelIndex fresh, LabelIndex::Parse(block, geometry, 0));
  LabelIndex second = fresh;
  second.set_sequence(kSecondSequence);
  RETURN_IF_ERROR(WriteDurably(*media, geometry.index_offset(1), second.Encode(geometry, 1)));
  Adopt(std::move(fresh), 0);
  version = &fresh_version;
  twin_sequence = kSecondSequence;
  durable = true;
  return absl::OkStatus();
}

// --- the public class ---

LabelArea::LabelArea(std::shared_ptr<State> state) : state_(std::move(state)) {}

absl::StatusOr<LabelArea> LabelArea::Open(std::shared_ptr<Media> media,
                                          const LabelVersion& expected) {
  auto state = std::make_shared<State>(std::move(media), expected);
  RETURN_IF_ERROR(state->Load());
  return LabelArea(std::move(state));
}

uint64_t LabelArea::size() const { return state_->geometry.area_size; }
bool LabelArea::has_index() const { return state_->index.has_value(); }
const LabelVersion& LabelArea::version() const { return *state_->version; }
LabelVersionNumber LabelArea::number() const {
  return has_index() ? state_->index->number() : GeneralLabelVersion(label_size()).number();
}
uint32_t LabelArea::label_size() const { return state_->geometry.label_size; }
uint32_t LabelArea::slot_count() const {
  return has_index() ? state_->index->slot_count() : state_->geometry.slot_count;
}
uint32_t LabelArea::free_slots() const { return state_->free_slots; }
uint32_t LabelArea::sequence() const { return has_index() ? state_->index->sequence() : 0; }
int LabelArea::current() const { return state_->current; }
uint64_t LabelArea::slot_offset(uint32_t slot) const { return state_->geometry.slot_offset(slot); }
const std::vector<StoredLabel>& LabelArea::labels() const { return state_->slots.labels(); }
const std::vector<StoredRegionLabel>& LabelArea::region_labels() const {
  return state_->slots.region_labels();
}
const std::vector<Finding>& LabelArea::findings() const { return state_->findings.all(); }

LabelVerdict LabelArea::verdict() const {
  if (!has_index()) return state_->in_the_way.ok() ? LabelVerdict::kBlank : LabelVerdict::kDamaged;
  if (!version().is_written()) return LabelVerdict::kUnknownVersion;
  return findings().empty() ? LabelVerdict::kSound : LabelVerdict::kFindings;
}

uint32_t LabelArea::unreadable_slots() const {
  if (!has_index()) return 0;
  return slot_count() - free_slots() - static_cast<uint32_t>(state_->slots.count());
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
                   absl::StrCat("the label area is in use already: version ", number().ToString(),
                                ", ", labels().size(), " labels"));
  RETURN_IF_ERROR(state_->in_the_way);
  return CheckRestBlank(*state_->media);
}

absl::Status LabelArea::CheckWritable() const {
  if (!has_index())
    return Refusal(ENXIO, "label.index.none",
                   "update a label: the label area has no valid index; initialise it first");
  if (version().is_written()) return absl::OkStatus();
  return Refusal(EOPNOTSUPP, "label.index.version",
                 absl::StrCat("change a label: the label index has version ", number().ToString(),
                              " with labels of ", label_size(),
                              " bytes, which this program does not know how to write"));
}

absl::Status LabelArea::Initialise(const LabelVersion& version) {
  RETURN_IF_ERROR(CheckBlank());
  return InitialiseOver(version);
}

absl::Status LabelArea::InitialiseOver(const LabelVersion& new_version) {
  RETURN_IF_ERROR(CheckSize(size(), new_version.label_size()));
  const LabelGeometry fresh = *LabelGeometry::For(size(), new_version.label_size());
  absl::Status status;
  if (has_index()) {
    status = state_->Empty();
    // So that no index of another version is left over labels of this one.
    const bool other_version = &version().as_written() != &new_version;
    if (status.ok() && (fresh != state_->geometry || other_version)) status = state_->Erase();
  }
  if (status.ok()) {
    state_->MakeBlank(fresh);
    status = state_->WriteFresh(new_version);
  }
  if (status.ok()) return status;
  // Reload to see how far it got.
  if (!state_->Load().ok()) state_->MakeBlank(fresh);
  return Annotate(status, absl::StrCat("initialise a label area of ", size(), " bytes"));
}

absl::Status LabelArea::RestoreTwin() {
  RETURN_IF_ERROR(CheckWritable());
  RETURN_IF_ERROR(state_->Settle());
  return state_->Commit(*state_->index);
}

absl::StatusOr<std::optional<uint32_t>> LabelArea::Update(
    const std::optional<NamespaceLabel>& label, absl::Span<const uint32_t> slots_to_free) {
  return Store(label ? std::optional<AnyLabel>(*label) : std::nullopt, slots_to_free);
}

absl::StatusOr<uint32_t> LabelArea::UpdateRegion(const RegionLabel& label,
                                                 absl::Span<const uint32_t> slots_to_free) {
  if (!version().has_region_labels())
    return Refusal(EINVAL, "label.region.version",
                   absl::StrCat("store a region's label: labels of version ", number().ToString(),
                                " cannot describe regions"));
  ASSIGN_OR_RETURN(const std::optional<uint32_t> slot, Store(label, slots_to_free));
  return slot.value();
}

absl::StatusOr<std::optional<uint32_t>> LabelArea::Store(const std::optional<AnyLabel>& label,
                                                         absl::Span<const uint32_t> slots_to_free) {
  State& state = *state_;
  RETURN_IF_ERROR(CheckWritable());
  for (uint32_t slot : slots_to_free) {
    if (slot >= slot_count())
      return Refusal(
          EINVAL, "label.slot.range",
          absl::StrCat("free label slot ", slot, ": the area has ", slot_count(), " slots"));
  }
  // Chosen from the currently free slots. The slots that this update frees are in use until the
  // commit.
  const std::optional<uint32_t> slot = label ? state.index->LowestFree() : std::nullopt;
  if (label && !slot)
    return Refusal(ENXIO, "label.slots.full",
                   absl::StrCat("store the label of ", NameOfOwner(*label), ": all ", slot_count(),
                                " label slots are in use; delete a namespace, or free slots that "
                                "hold no valid label with a repair"));
  RETURN_IF_ERROR(state.Settle());
  std::vector<std::byte> bytes;
  if (slot) {
    bytes = version().Encode(*label, *slot);
    const absl::Status written = WriteDurably(*state.media, slot_offset(*slot), bytes);
    if (!written.ok()) return Annotate(written, absl::StrCat("write label slot ", *slot));
  }
  LabelIndex next = *state.index;
  for (uint32_t freed : slots_to_free) next.SetFree(freed, true);
  if (slot) next.SetFree(*slot, false);
  RETURN_IF_ERROR(state.Commit(std::move(next)));

  state.Forget(slots_to_free);
  if (slot) state.slots.Insert(*slot, *version().Parse(bytes, *slot));
  return slot;
}

}  // namespace nvdimmfs::core
