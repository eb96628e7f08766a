// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_decision.h"

#include <algorithm>
#include <compare>
#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kNamed = 8;  // others are only counted

std::string Name(const SlotLabel& label) {
  return absl::StrCat(label.is_region() ? "region " : "namespace ", label.uuid().ToString(),
                      " (slot ", label.slot, ")");
}

std::string WithExtent(const SlotLabel& label) {
  return absl::StrCat(Name(label), ", ", label.extent().size, " bytes at DPA 0x",
                      absl::Hex(label.extent().start));
}

// The evidence that a label is in use.
struct Evidence {
  int in_use = 0;             // 2: the newer bitmap marks it as used; 1: the older one
  bool written_last = false;  // its namespace has a label marked as being updated
  bool settled = false;       // it is not marked itself
  friend auto operator<=>(const Evidence&, const Evidence&) = default;
};

struct Candidate {
  const SlotLabel* label = nullptr;
  Evidence evidence;
};

class Decider {
 public:
  Decider(absl::Span<const SlotLabel> labels, absl::Span<const LabelIndex> hints,
          absl::string_view source)
      : hints_(hints), source_(source) {
    for (const SlotLabel& label : labels)
      if (label.updating()) copies_[label.uuid()].push_back(&label);
  }

  LabelDecision Run(absl::Span<const SlotLabel> labels,
                    const std::optional<absl::flat_hash_set<Uuid>>& elsewhere) {
    std::map<Uuid, std::vector<Candidate>> by_owner;
    for (const SlotLabel& label : labels) {
      if (label.of_a_set() && elsewhere && !elsewhere->contains(label.uuid())) {
        decision_.notes.push_back(absl::StrCat(
            Name(label),
            " is considered deleted: the other DIMMs of its set have no label for it"));
        continue;
      }
      by_owner[label.uuid()].push_back({&label, EvidenceFor(label)});
    }
    std::vector<Candidate> owners;
    for (auto& [owner, candidates] : by_owner)
      if (const auto best = PickOne(candidates)) owners.push_back(*best);
    Place(std::move(owners));
    std::sort(decision_.used.begin(), decision_.used.end(),
              [](const SlotLabel* a, const SlotLabel* b) { return a->slot < b->slot; });
    NoteWhatMayHaveBeenDeleted();
    return std::move(decision_);
  }

 private:
  Evidence EvidenceFor(const SlotLabel& label) const {
    Evidence evidence;
    for (size_t i = 0; i < hints_.size(); ++i)
      if (label.slot < hints_[i].slot_count() && !hints_[i].IsFree(label.slot))
        evidence.in_use = std::max(evidence.in_use, i == 0 ? 2 : 1);
    const auto copies = copies_.find(label.uuid());
    evidence.written_last =
        copies != copies_.end() &&
        std::any_of(copies->second.begin(), copies->second.end(),
                    [&](const SlotLabel* copy) { return copy->content == label.content; });
    evidence.settled = !label.updating();
    return evidence;
  }

  void NoteWhatMayHaveBeenDeleted() {
    std::vector<std::string> names;
    for (const SlotLabel* label : decision_.used)
      if (EvidenceFor(*label).in_use == 0) names.push_back(Name(*label));
    if (names.empty()) return;
    const size_t more = names.size() - std::min(names.size(), kNamed);
    names.resize(names.size() - more);
    decision_.notes.push_back(absl::StrCat(
        "without the index it is unknown whether these had been deleted: ",
        absl::StrJoin(names, ", "), more == 0 ? "" : absl::StrCat(" and ", more, " more")));
  }

  std::string GiveUp(const SlotLabel& a, const SlotLabel& b) const {
    return absl::StrCat("; say which to give up: nvdimmfs init-labels --force --slot ", a.slot, " ",
                        source_, ", or --slot ", b.slot);
  }

  // Picks the label in use among those of one namespace.
  std::optional<Candidate> PickOne(std::vector<Candidate>& candidates) {
    std::stable_sort(
        candidates.begin(), candidates.end(),
        [](const Candidate& a, const Candidate& b) { return a.evidence > b.evidence; });
    const Candidate& best = candidates[0];
    if (candidates.size() > 1 && candidates[1].evidence == best.evidence &&
        candidates[1].label->content != best.label->content) {
      decision_.undecided.push_back(absl::StrCat(
          WithExtent(*best.label), " and ", WithExtent(*candidates[1].label),
          " are two labels of one namespace", GiveUp(*best.label, *candidates[1].label)));
      return std::nullopt;
    }
    return best;
  }

  // The strongest first. A label that overlaps a stronger one was deleted before that one was
  // created.
  void Place(std::vector<Candidate> owners) {
    std::sort(owners.begin(), owners.end(), [](const Candidate& a, const Candidate& b) {
      const auto rank = [](const Candidate& of) {
        return std::tuple(of.evidence.in_use, of.evidence.written_last);
      };
      return rank(a) != rank(b) ? rank(a) > rank(b) : a.label->slot < b.label->slot;
    });
    for (const Candidate& candidate : owners) {
      auto& placed = candidate.label->is_region() ? regions_ : namespaces_;
      const Candidate* other = Overlapping(placed, candidate.label->extent());
      if (other == nullptr) {
        placed.emplace(candidate.label->extent().start, candidate);
        decision_.used.push_back(candidate.label);
      } else if (other->evidence.in_use == candidate.evidence.in_use &&
                 other->evidence.written_last == candidate.evidence.written_last) {
        decision_.undecided.push_back(absl::StrCat(WithExtent(*other->label), " and ",
                                                   WithExtent(*candidate.label), " overlap",
                                                   GiveUp(*other->label, *candidate.label)));
      } else {
        decision_.notes.push_back(absl::StrCat(
            Name(*candidate.label), " is considered deleted: it overlaps ", Name(*other->label)));
      }
    }
  }

  using Placed = std::map<uint64_t, Candidate>;  // by start; none overlap

  static const Candidate* Overlapping(const Placed& placed, const Range& extent) {
    auto next = placed.lower_bound(extent.end());
    if (next == placed.begin()) return nullptr;
    --next;
    return next->second.label->extent().Overlaps(extent) ? &next->second : nullptr;
  }

  const absl::Span<const LabelIndex> hints_;
  const absl::string_view source_;
  absl::flat_hash_map<Uuid, std::vector<const SlotLabel*>>
      copies_;  // those marked as being updated
  Placed namespaces_, regions_;
  LabelDecision decision_;
};

}  // namespace

LabelDecision DecideLabels(absl::Span<const SlotLabel> labels, absl::Span<const LabelIndex> hints,
                           const std::optional<absl::flat_hash_set<Uuid>>& elsewhere,
                           absl::string_view source) {
  return Decider(labels, hints, source).Run(labels, elsewhere);
}

}  // namespace nvdimmfs::core
