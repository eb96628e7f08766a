// SPDX-License-Identifier: Apache-2.0
#include "btt/weigh.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <unordered_map>

#include "btt/flog_reader.h"
#include "btt/map_entry.h"
#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

class Weigher {
 public:
  Weigher(const core::Media& ns, const ArenaGeometry& arena, const ArenaSurvey& survey)
      : ns_(ns), arena_(arena), survey_(survey), claimed_(survey.claimed) {
    plan_lanes_ = survey.broken_lanes;
    trusts_flog_ = survey.broken_lanes.empty() &&
                   std::none_of(survey.conflicts.begin(), survey.conflicts.end(), DoubtsFlog);
  }

  absl::StatusOr<RepairPlan> Run(bool interrupted) {
    FollowFlog();
    for (const auto& [block, conflict] : survey_.conflicts)
      RETURN_IF_ERROR(Settle(block, conflict));
    PlaceHomeless();
    if (!interrupted) {
      MatchOneBit();
      RETURN_IF_ERROR(MatchOnlyOwner());
    }
    RETURN_IF_ERROR(GiveLostBlocks());
    return std::move(plan_);
  }

 private:
  // --- By evidence ---

  // The sector's entry with a block from other evidence. Only the block changes, not the state: a
  // discard leaves no trace but in the entry, so a sector that reads as zeros keeps doing so.
  static uint32_t EntryOn(uint32_t block, const SectorClaim& was) {
    return MapEntry(was.raw, was.premap).zero() ? MapEntry::Zero(block) : MapEntry::Normal(block);
  }

  void Tell(uint32_t premap, Verdict verdict, uint32_t entry) {
    plan_.told.push_back({.premap = premap, .verdict = verdict, .entry = entry});
    claimed_[entry & kMapBlockMask] = true;
  }

  // Whether a lane's claim contradicts an explicit entry or another lane.
  static bool DoubtsFlog(const std::pair<uint32_t, Conflict>& named) {
    const Conflict& conflict = named.second;
    return conflict.lanes.size() > 1 ||
           (!conflict.lanes.empty() &&
            std::any_of(conflict.sectors.begin(), conflict.sectors.end(),
                        [](const SectorClaim& claim) {
                          return !MapEntry(claim.raw, claim.premap).initial();
                        }));
  }

  // The lost block that the flog names for the sector; nothing if there are several. A damaged flog
  // proves nothing: the block may be a lane's, with contents that the sector had long ago.
  std::optional<uint32_t> Home(uint32_t premap) const {
    std::optional<uint32_t> home;
    if (!trusts_flog_) return home;
    for (const uint32_t block : survey_.evidence.HomesOf(premap)) {
      if (claimed_[block]) continue;
      if (home) return std::nullopt;
      home = block;
    }
    return home;
  }

  bool MoveHome(const SectorClaim& claim) {
    const auto home = Home(claim.premap);
    if (home) Tell(claim.premap, Verdict::kFlog, EntryOn(*home, claim));
    return home.has_value();
  }

  void FollowFlog() {
    for (const Move& move : survey_.overruled) {
      if (!trusts_flog_ || claimed_[move.block]) continue;
      Tell(move.premap, Verdict::kFlog, MapEntry::Normal(move.block));
      claimed_[move.premap] = false;  // the block that an initial entry means
    }
  }

  void PlaceHomeless() {
    for (const SectorClaim& claim : survey_.out_of_range)
      if (!MoveHome(claim)) homeless_.push_back(claim);
    for (const uint32_t premap : survey_.unreadable)
      if (!MoveHome({.premap = premap})) unreadable_.push_back(premap);
  }

  // An entry out of range that is one bit away from exactly one lost block to which no other entry
  // is that close.
  void MatchOneBit() {
    std::unordered_map<uint32_t, int> wanted;  // by block
    for (const SectorClaim& claim : homeless_)
      for (const uint32_t block : Neighbours(claim.raw)) ++wanted[block];
    std::vector<SectorClaim> left;
    for (const SectorClaim& claim : homeless_) {
      const std::vector<uint32_t> near = Neighbours(claim.raw);
      if (near.size() == 1 && wanted[near[0]] == 1)
        Tell(claim.premap, Verdict::kOneBit, near[0] | (claim.raw & kMapFlags));
      else
        left.push_back(claim);
    }
    homeless_ = std::move(left);
  }

  std::vector<uint32_t> Neighbours(uint32_t raw) const {
    std::vector<uint32_t> near;
    if (raw == ~uint32_t{0}) return near;  // erased, or a repair's mark on healed media
    for (int bit = 0; bit < 30; ++bit) {
      const uint32_t block = (raw & kMapBlockMask) ^ (uint32_t{1} << bit);
      if (block < arena_.internal_nlba && !claimed_[block]) near.push_back(block);
    }
    return near;
  }

  // One sector without a block, one block without an owner, and nothing else that needs one. An
  // initial entry counts only if its neighbours are not initial: otherwise the erased piece of the
  // map may have held the block's owner.
  absl::Status MatchOnlyOwner() {
    const size_t in_need = homeless_.size() + unreadable_.size() + overruled_.size();
    if (in_need != 1 || !plan_.rest.empty() || !plan_lanes_.empty()) return absl::OkStatus();
    LostBlocks lost(claimed_);
    const auto block = lost.Next();
    if (!block || lost.Next()) return absl::OkStatus();
    if (!overruled_.empty()) {
      ASSIGN_OR_RETURN(const bool alone, StandsAlone(overruled_[0]));
      if (!alone) return absl::OkStatus();
    }
    const SectorClaim owner = !homeless_.empty()     ? homeless_[0]
                              : !unreadable_.empty() ? SectorClaim{.premap = unreadable_[0]}
                                                     : SectorClaim{.premap = overruled_[0]};
    homeless_.clear();
    unreadable_.clear();
    overruled_.clear();
    Tell(owner.premap, Verdict::kOnlyOwner, EntryOn(*block, owner));
    return absl::OkStatus();
  }

  absl::StatusOr<bool> StandsAlone(uint32_t premap) const {
    for (const uint64_t neighbour : {uint64_t{premap} - 1, uint64_t{premap} + 1}) {
      if (neighbour >= arena_.external_nlba) continue;
      std::array<std::byte, 4> word;
      const absl::Status read =
          ns_.Read(arena_.MapAt(static_cast<uint32_t>(neighbour)), absl::MakeSpan(word));
      if (IsPoison(read)) return false;
      RETURN_IF_ERROR(read);
      if (core::LoadLe<uint32_t>(word.data()) == 0) return false;
    }
    return true;
  }

  // --- Disputes ---

  absl::Status Settle(uint32_t block, const Conflict& conflict) {
    std::vector<SectorClaim> named;         // with explicit entries
    std::optional<uint32_t> never_written;  // there is one sector whose initial entry means `block`
    for (const SectorClaim& claim : conflict.sectors) {
      if (!MapEntry(claim.raw, claim.premap).initial())
        named.push_back(claim);
      else if (!MoveHome(claim))
        never_written = claim.premap;
    }
    bool owned = !named.empty();
    if (owned) ShareOut(block, std::move(named));
    if (never_written) {
      ASSIGN_OR_RETURN(const bool zeros, ReadsAsZeros(block));
      if (!owned && (zeros || conflict.lanes.empty()))
        owned = true;  // only a lane claims it, which has nothing to lose
      else if (zeros)
        plan_.rest.push_back({.premap = *never_written, .verdict = Verdict::kZeros});
      else
        overruled_.push_back(*never_written);
    }
    for (const uint32_t lane : conflict.lanes) {
      if (owned) plan_lanes_.push_back(lane);
      owned = true;
    }
    claimed_[block] = owned;
    return absl::OkStatus();
  }

  // One of the sectors keeps the block; the others keep reading the same contents.
  void ShareOut(uint32_t block, std::vector<SectorClaim> sectors) {
    const auto strength = [&](const SectorClaim& claim) {
      const std::vector<uint32_t> homes = survey_.evidence.HomesOf(claim.premap);
      const MapEntry entry(claim.raw, claim.premap);
      const bool told = std::find(homes.begin(), homes.end(), block) != homes.end();
      return (told ? 2 : 0) + (entry.zero() || entry.error() ? 0 : 1);
    };
    const auto owner = std::max_element(
        sectors.begin(), sectors.end(),
        [&](const SectorClaim& a, const SectorClaim& b) { return strength(a) < strength(b); });
    const uint32_t keeps = owner->premap;
    for (const SectorClaim& claim : sectors) {
      if (claim.premap == keeps) continue;
      const MapEntry entry(claim.raw, claim.premap);
      const Verdict verdict = entry.zero()    ? Verdict::kZeros
                              : entry.error() ? Verdict::kLost
                                              : Verdict::kCopy;
      plan_.rest.push_back(
          {.premap = claim.premap, .verdict = verdict, .before = block, .other = keeps});
    }
  }

  absl::StatusOr<bool> ReadsAsZeros(uint32_t block) const {
    std::vector<std::byte> bytes(SectorSizeOf(arena_.external_lbasize));
    const absl::Status read = ns_.Read(arena_.BlockAt(block), absl::MakeSpan(bytes));
    if (IsPoison(read)) return false;
    RETURN_IF_ERROR(read);
    return std::all_of(bytes.begin(), bytes.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
  }

  // --- Lost blocks ---

  // Hands out the unclaimed blocks, ascending.
  class LostBlocks {
   public:
    explicit LostBlocks(const std::vector<bool>& claimed) : claimed_(claimed) {}
    std::optional<uint32_t> Next() {
      while (at_ < claimed_.size() && claimed_[at_]) ++at_;
      if (at_ == claimed_.size()) return std::nullopt;
      return static_cast<uint32_t>(at_++);
    }

   private:
    const std::vector<bool>& claimed_;
    size_t at_ = 0;
  };

  absl::Status GiveLostBlocks() {
    for (const SectorClaim& claim : homeless_)
      plan_.rest.push_back(
          {.premap = claim.premap,
           .verdict = MapEntry(claim.raw, claim.premap).zero() ? Verdict::kZeros : Verdict::kLost});
    for (const uint32_t premap : unreadable_)
      plan_.rest.push_back({.premap = premap, .verdict = Verdict::kLost});
    for (const uint32_t premap : overruled_)
      plan_.rest.push_back({.premap = premap, .verdict = Verdict::kLost});
    // First the blocks that stay as they are, then copies, then lanes; ascending within each kind.
    std::sort(plan_.rest.begin(), plan_.rest.end(), [](const SectorMend& a, const SectorMend& b) {
      const auto rank = [](Verdict verdict) {
        return verdict == Verdict::kLost ? -1 : int(verdict);
      };
      return rank(a.verdict) != rank(b.verdict) ? rank(a.verdict) < rank(b.verdict)
                                                : a.premap < b.premap;
    });
    LostBlocks lost(claimed_);
    for (SectorMend& mend : plan_.rest) {
      const auto block = lost.Next();
      if (!block) return NoneLeft();
      mend.entry = mend.verdict == Verdict::kLost    ? MapEntry::Error(*block)
                   : mend.verdict == Verdict::kZeros ? MapEntry::Zero(*block)
                                                     : MapEntry::Normal(*block);
    }
    std::sort(plan_lanes_.begin(), plan_lanes_.end());
    for (const uint32_t lane : plan_lanes_) {
      const auto block = lost.Next();
      if (!block) return NoneLeft();
      plan_.lanes.push_back({lane, *block});
    }
    return absl::OkStatus();
  }

  static absl::Status NoneLeft() {
    return core::Refusal(EIO, "btt.block.none",
                         "there are fewer lost blocks than sectors and lanes that need one");
  }

  const core::Media& ns_;
  const ArenaGeometry& arena_;
  const ArenaSurvey& survey_;
  std::vector<bool> claimed_;
  bool trusts_flog_ = true;
  std::vector<SectorClaim> homeless_;  // entries out of range
  std::vector<uint32_t> unreadable_;
  std::vector<uint32_t> overruled_;  // initial entries that another claim refutes
  std::vector<uint32_t> plan_lanes_;
  RepairPlan plan_;
};

}  // namespace

absl::StatusOr<RepairPlan> Weigh(const core::Media& ns, const ArenaGeometry& arena,
                                 const ArenaSurvey& survey, bool interrupted) {
  return Weigher(ns, arena, survey).Run(interrupted);
}

}  // namespace nvdimmfs::btt
