// SPDX-License-Identifier: Apache-2.0
#include "btt/survey.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "btt/flog_reader.h"
#include "btt/map_entry.h"
#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

constexpr size_t kMostFindingsOfAKind = size_t{1} << 14;
constexpr size_t kMostClaims = size_t{1} << 20;
constexpr size_t kMostNamed = 8;  // in one sentence
constexpr uint32_t kEntriesPerChunk = 16384;
constexpr uint32_t kEntriesPerUnit = 512 / 4;

// The first few, and how many more there are.
std::string NameSome(std::vector<uint32_t> numbers) {
  const size_t all = numbers.size();
  numbers.resize(std::min(all, kMostNamed));
  return absl::StrCat(absl::StrJoin(numbers, ", "),
                      all > kMostNamed ? absl::StrCat(" and ", all - kMostNamed, " more") : "");
}

// Consecutive sectors with the same fault: one finding.
struct SectorRun {
  const char* reason;
  const char* fault;  // after "sectors A to B"
  std::optional<uint32_t> first;
  uint32_t last = 0;
};

class Surveyor {
 public:
  Surveyor(const core::Media& ns, const ArenaGeometry& arena) : ns_(ns), arena_(arena) {
    survey_.claimed.resize(arena.internal_nlba);
  }

  absl::StatusOr<ArenaSurvey> Run() {
    RETURN_IF_ERROR(ReadFlog());
    RETURN_IF_ERROR(FindPending());
    RETURN_IF_ERROR(EachEntry([this](MapEntry entry, uint32_t premap) { Claim(entry, premap); }));
    EndRun(out_of_range_);
    EndRun(marked_);
    ClaimFreeBlocks();
    if (!shared_.empty()) {
      RETURN_IF_ERROR(
          EachEntry([this](MapEntry entry, uint32_t premap) { CollectClaim(entry, premap); }));
      CollectLanes();
      UnclaimForsaken();
    }
    TellPending();
    TellConflicts();
    RETURN_IF_ERROR(FindOverruled());
    CountLost();
    for (const auto& [reason, count] : kinds_)
      if (count > kMostFindingsOfAKind)
        survey_.findings.push_back({reason, arena_.start,
                                    absl::StrCat("and ", count - kMostFindingsOfAKind,
                                                 " more of this kind in the arena")});
    return std::move(survey_);
  }

 private:
  void Report(const std::string& reason, uint64_t offset, std::string sentence) {
    if (++kinds_[reason] <= kMostFindingsOfAKind)
      survey_.findings.push_back({reason, offset, std::move(sentence)});
  }

  void Extend(SectorRun& run, uint32_t premap) {
    if (run.first && run.last + 1 == premap) {
      run.last = premap;
      return;
    }
    EndRun(run);
    run.first = run.last = premap;
  }

  void EndRun(SectorRun& run) {
    if (run.first)
      Report(run.reason, arena_.MapAt(*run.first),
             absl::StrCat(SectorRange(*run.first, run.last), run.fault));
    run.first.reset();
  }

  // --- The flog ---

  void BreakLane(uint32_t lane, const std::string& reason, absl::string_view why) {
    Report(reason, arena_.FlogAt(lane), absl::StrCat("lane ", lane, ": ", why));
    survey_.broken_lanes.push_back(lane);
  }

  absl::Status ReadFlog() {
    ASSIGN_OR_RETURN(const FlogImage flog, LoadFlog(ns_, arena_));
    const std::vector<FlogGroup> readable = flog.Readable();
    const auto pair = DetectPadding(readable);
    const auto likely = pair.ok() ? std::optional<FlogPair>(*pair) : LikelyPadding(readable);
    if (likely) survey_.pair = *likely;
    for (uint32_t lane = 0; lane < arena_.nfree; ++lane) {
      if (flog.unreadable[lane]) {
        BreakLane(lane, "btt.flog.unreadable", "its flog group is on bad media");
        continue;
      }
      if (!likely) {
        BreakLane(lane, "btt.flog.padding", pair.status().message());
        continue;
      }
      AddLane(lane, flog.groups[lane]);
    }
    return absl::OkStatus();
  }

  void AddLane(uint32_t lane, const FlogGroup& group) {
    if (MisusesSlots(group, survey_.pair))
      return BreakLane(lane, "btt.flog.padding",
                       "its flog group uses other slots than the other lanes' do");
    const auto record = ReadLane(group, survey_.pair);
    const absl::Status sane = record.ok() ? CheckRecord(*record, arena_) : record.status();
    if (!sane.ok()) return BreakLane(lane, core::ReasonOf(sane), sane.message());
    records_[lane] = *record;
    survey_.evidence.Add(group, survey_.pair, *record, arena_);
  }

  // The map entry on media. Nothing if it cannot be read.
  absl::StatusOr<std::optional<MapEntry>> EntryOf(uint32_t premap) const {
    std::array<std::byte, 4> word;
    const absl::Status read = ns_.Read(arena_.MapAt(premap), absl::MakeSpan(word));
    if (IsPoison(read)) return std::optional<MapEntry>();
    RETURN_IF_ERROR(read);
    return std::optional<MapEntry>(MapEntry(core::LoadLe<uint32_t>(word.data()), premap));
  }

  absl::Status FindPending() {
    for (const auto& [lane, record] : records_) {
      if (record.old_block == record.new_block || rolled_.contains(record.lba)) continue;
      ASSIGN_OR_RETURN(const auto entry, EntryOf(record.lba));
      if (entry && entry->block() == record.old_block)
        rolled_[record.lba] = {lane, record.lba, record.new_block};
    }
    return absl::OkStatus();
  }

  // --- The map ---

  // Calls visit(entry, premap) with the entries of the map; unreadable ones are reported on the
  // first pass and left out.
  template <typename Visit>
  absl::Status EachEntry(const Visit& visit) {
    const bool first_pass = std::exchange(first_pass_, false);
    std::vector<std::byte> bytes(size_t{kEntriesPerChunk} * 4);
    for (uint64_t first = 0; first < arena_.external_nlba; first += kEntriesPerChunk) {
      const auto count =
          static_cast<uint32_t>(std::min<uint64_t>(kEntriesPerChunk, arena_.external_nlba - first));
      const auto at = static_cast<uint32_t>(first);
      const absl::Status whole =
          ns_.Peek(arena_.MapAt(at), absl::MakeSpan(bytes).first(size_t{count} * 4));
      if (whole.ok()) {
        VisitSome(bytes.data(), at, count, visit);
        continue;
      }
      if (!IsPoison(whole)) return whole;
      for (uint32_t done = 0; done < count; done += kEntriesPerUnit) {
        const uint32_t some = std::min(kEntriesPerUnit, count - done);
        const absl::Status unit =
            ns_.Read(arena_.MapAt(at + done), absl::MakeSpan(bytes).first(size_t{some} * 4));
        if (unit.ok())
          VisitSome(bytes.data(), at + done, some, visit);
        else if (!IsPoison(unit))
          return unit;
        else if (first_pass)
          AddUnreadable(at + done, some);
      }
    }
    return absl::OkStatus();
  }

  template <typename Visit>
  void VisitSome(const std::byte* bytes, uint32_t first, uint32_t count, const Visit& visit) {
    for (uint32_t i = 0; i < count; ++i)
      visit(MapEntry(core::LoadLe<uint32_t>(bytes + size_t{i} * 4), first + i), first + i);
  }

  void AddUnreadable(uint32_t first, uint32_t count) {
    Report("btt.map.unreadable", arena_.MapAt(first),
           absl::StrCat("the map entries of ", SectorRange(first, first + count - 1),
                        " are on bad media"));
    for (uint32_t i = 0; i < count; ++i)
      if (Counts()) survey_.unreadable.push_back(first + i);
  }

  // Whether one more claim may be remembered.
  bool Counts() {
    if (++claims_ <= kMostClaims) return true;
    survey_.too_many = true;
    return false;
  }

  // The block that the sector claims once interrupted writes are finished.
  uint32_t BlockOf(MapEntry entry, uint32_t premap) const {
    if (rolled_.empty()) return entry.block();
    const auto rolled = rolled_.find(premap);
    return rolled == rolled_.end() ? entry.block() : rolled->second.block;
  }

  void Claim(MapEntry entry, uint32_t premap) {
    if (entry.error()) Extend(marked_, premap);
    const uint32_t block = BlockOf(entry, premap);
    if (block >= arena_.internal_nlba) {
      Extend(out_of_range_, premap);
      if (Counts()) survey_.out_of_range.push_back({premap, entry.raw()});
    } else if (!Take(block) && Counts()) {
      shared_.insert(block);
    }
  }

  bool Take(uint32_t block) {
    if (survey_.claimed[block]) return false;
    survey_.claimed[block] = true;
    ++claimed_count_;
    return true;
  }

  void ClaimFreeBlocks() {
    for (const auto& [lane, record] : records_)
      if (!Take(record.old_block)) shared_.insert(record.old_block);
  }

  void CollectClaim(MapEntry entry, uint32_t premap) {
    const auto rolled = rolled_.find(premap);
    uint32_t block = entry.block();
    if (rolled != rolled_.end()) {
      // The block that the flog names has another owner: no such write is in flight, and the sector
      // stays where the map has it.
      if (!shared_.contains(rolled->second.block)) return;
      forsaken_.insert(rolled->second.block);
      rolled_.erase(rolled);
      unrolled_.insert(block);
    }
    if (block >= arena_.internal_nlba) return;
    if (!shared_.contains(block) && !unrolled_.contains(block)) return;
    if (Counts()) conflicts_[block].sectors.push_back({premap, entry.raw()});
  }

  void CollectLanes() {
    for (const auto& [lane, record] : records_) {
      const uint32_t block = record.old_block;
      if (shared_.contains(block) || unrolled_.contains(block))
        conflicts_[block].lanes.push_back(lane);
    }
  }

  // A block that only interrupted writes claimed, none of which is completed, is free again.
  void UnclaimForsaken() {
    for (const uint32_t block : forsaken_) {
      if (conflicts_.contains(block)) continue;
      survey_.claimed[block] = false;
      --claimed_count_;
    }
  }

  // --- Conclusions ---

  void TellPending() {
    for (const auto& [premap, move] : rolled_) {
      survey_.pending.push_back(move);
      Report("btt.flog.pending", arena_.FlogAt(move.lane),
             absl::StrCat("lane ", move.lane, ": a write of sector ", premap,
                          " was interrupted before the map was switched to block ", move.block,
                          "; the next opening completes it"));
    }
  }

  void TellConflicts() {
    SectorRun never_written{"btt.map.initial",
                            ": never written according to the map, but the block has another owner",
                            {},
                            0};
    // A withdrawn claim may leave a single one.
    std::erase_if(conflicts_, [](const auto& entry) {
      return entry.second.sectors.size() + entry.second.lanes.size() < 2;
    });
    for (auto& [block, conflict] : conflicts_) {
      std::vector<uint32_t> explicit_ones;
      for (const SectorClaim& claim : conflict.sectors) {
        if (MapEntry(claim.raw, claim.premap).initial())
          Extend(never_written, claim.premap);
        else
          explicit_ones.push_back(claim.premap);
      }
      if (explicit_ones.size() > 1)
        Report("btt.map.shared", arena_.MapAt(explicit_ones[0]),
               absl::StrCat("sectors ", NameSome(explicit_ones), " all name block ", block));
      // An initial entry is more likely wrong than the flog.
      const bool doubts_flog = !explicit_ones.empty() || conflict.lanes.size() > 1;
      for (const uint32_t lane : conflict.lanes)
        if (doubts_flog)
          Report("btt.flog.shared", arena_.FlogAt(lane),
                 absl::StrCat("lane ", lane, ": its free block ", block, " is also claimed by ",
                              conflict.sectors.empty()
                                  ? std::string("another lane")
                                  : absl::StrCat("sector ", conflict.sectors[0].premap)));
      survey_.conflicts.emplace_back(block, std::move(conflict));
    }
    EndRun(never_written);
  }

  absl::Status FindOverruled() {
    for (const uint32_t premap : survey_.evidence.Sectors()) {
      if (rolled_.contains(premap)) continue;  // its entry is about to change
      std::vector<uint32_t> homes;
      for (const uint32_t block : survey_.evidence.HomesOf(premap))
        if (!survey_.claimed[block]) homes.push_back(block);
      if (homes.size() != 1) continue;
      ASSIGN_OR_RETURN(const auto entry, EntryOf(premap));
      if (!entry || !entry->initial() || conflicts_.contains(premap)) continue;
      survey_.overruled.push_back({0, premap, homes[0]});
      Report("btt.map.initial", arena_.MapAt(premap),
             absl::StrCat("sector ", premap,
                          ": never written according to the map, but written to block ", homes[0],
                          " according to the flog"));
    }
    return absl::OkStatus();
  }

  void CountLost() {
    survey_.lost_blocks = arena_.internal_nlba - claimed_count_;
    if (survey_.lost_blocks == 0) return;
    const auto first = static_cast<uint32_t>(
        std::find(survey_.claimed.begin(), survey_.claimed.end(), false) - survey_.claimed.begin());
    Report("btt.block.lost", arena_.BlockAt(first),
           absl::StrCat(survey_.lost_blocks,
                        " blocks belong to no sector and no lane; the first is ", first));
  }

  const core::Media& ns_;
  const ArenaGeometry& arena_;
  ArenaSurvey survey_;
  std::map<uint32_t, LaneRecord> records_;  // of sound lanes
  std::map<uint32_t, Move> rolled_;         // by sector: interrupted writes
  std::unordered_set<uint32_t> shared_;     // blocks that are claimed more than once
  std::unordered_set<uint32_t> unrolled_;   // blocks of sectors whose write was not interrupted
  std::unordered_set<uint32_t> forsaken_;   // targets of writes that are not completed
  std::map<uint32_t, Conflict> conflicts_;  // by block
  SectorRun out_of_range_{"btt.map.range", ": the map names blocks outside the arena", {}, 0};
  SectorRun marked_{"btt.map.error", ": marked as lost to a media error", {}, 0};
  std::map<std::string, size_t> kinds_;
  size_t claims_ = 0;
  uint64_t claimed_count_ = 0;
  bool first_pass_ = true;
};

}  // namespace

std::string WorstOf(const ArenaSurvey& survey) {
  for (const core::Finding& finding : survey.findings) {
    const std::string& reason = finding.reason;
    const bool contradicts = reason == "btt.map.initial" || reason == "btt.map.shared" ||
                             reason == "btt.map.range" || reason == "btt.flog.shared";
    if (contradicts)
      return absl::StrCat(finding.sentence, survey.findings.size() > 1 ? ", and more" : "");
  }
  return "its map and its flog contradict each other";
}

std::string SectorRange(uint32_t first, uint32_t last) {
  return first == last ? absl::StrCat("sector ", first)
                       : absl::StrCat("sectors ", first, " to ", last);
}

absl::StatusOr<ArenaSurvey> SurveyArena(const core::Media& ns, const ArenaGeometry& arena) {
  return Surveyor(ns, arena).Run();
}

}  // namespace nvdimmfs::btt
