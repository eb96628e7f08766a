#include "btt/survey.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "btt/flog_reader.h"
#include "btt/map_entry.h"
#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

constexpr size_t kMostFindingsOfAKind = 64;
constexpr size_t kMostHomeless = size_t{1} << 20;
constexpr uint32_t kEntriesPerChunk = 16384;
constexpr uint32_t kEntriesPerUnit = 512 / 4;

std::string Hex(uint32_t value) { return absl::StrCat("0x", absl::Hex(value, absl::kZeroPad8)); }

class Surveyor {
 public:
  Surveyor(const core::Media& ns, const ArenaGeometry& arena) : ns_(ns), arena_(arena) {
    survey_.owned.resize(arena.internal_nlba);
  }

  absl::StatusOr<ArenaSurvey> Run() {
    RETURN_IF_ERROR(ReadFlog());
    RETURN_IF_ERROR(FindPending());
    RETURN_IF_ERROR(EachEntry([this](MapEntry entry, uint32_t premap) { Claim(entry, premap); }));
    ClaimFreeBlocks();
    if (!shared_.empty() || !lent_.empty()) {
      RETURN_IF_ERROR(
          EachEntry([this](MapEntry entry, uint32_t premap) { EvictShared(entry, premap); }));
    }
    CountLost();
    std::sort(survey_.homeless_sectors.begin(), survey_.homeless_sectors.end());
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

  void BreakLane(uint32_t lane, const std::string& reason, absl::string_view why) {
    Report(reason, arena_.FlogAt(lane), absl::StrCat("lane ", lane, ": ", why));
    survey_.broken_lanes.push_back(lane);
  }

  absl::Status ReadFlog() {
    ASSIGN_OR_RETURN(const FlogImage flog, LoadFlog(ns_, arena_));
    const auto pair = DetectPadding(flog.Readable());
    if (pair.ok()) survey_.pair = *pair;
    for (uint32_t lane = 0; lane < arena_.nfree; ++lane) {
      if (flog.unreadable[lane]) {
        BreakLane(lane, "btt.flog.unreadable", "its flog group is on bad media");
        continue;
      }
      if (!pair.ok()) {
        BreakLane(lane, "btt.flog.padding", pair.status().message());
        continue;
      }
      const auto record = ReadLane(flog.groups[lane], survey_.pair);
      const absl::Status sane = record.ok() ? CheckRecord(*record, arena_) : record.status();
      if (sane.ok())
        records_[lane] = *record;
      else
        BreakLane(lane, core::ReasonOf(sane), sane.message());
    }
    return absl::OkStatus();
  }

  absl::Status FindPending() {
    for (const auto& [lane, record] : records_) {
      if (record.old_block == record.new_block) continue;
      std::array<std::byte, 4> word;
      const absl::Status read = ns_.Read(arena_.MapAt(record.lba), absl::MakeSpan(word));
      if (IsPoison(read)) continue;
      RETURN_IF_ERROR(read);
      const MapEntry entry(core::LoadLe<uint32_t>(word.data()), record.lba);
      if (entry.block() != record.old_block) continue;
      survey_.pending.push_back({lane, record.lba, record.new_block});
      rolled_[record.lba] = MapEntry::Normal(record.new_block);
      Report(
          "btt.flog.pending", arena_.FlogAt(lane),
          absl::StrCat("lane ", lane, ": a write of sector ", record.lba,
                       " was interrupted before the map was switched from block ", record.old_block,
                       " to ", record.new_block, "; the next opening does that"));
    }
    return absl::OkStatus();
  }

  // Calls visit(entry, premap) with the entries as recovery would leave them; unreadable ones are
  // reported on the first pass and left out.
  template <typename Visit>
  absl::Status EachEntry(const Visit& visit) {
    const bool first_pass = std::exchange(first_pass_, false);
    std::vector<std::byte> bytes(size_t{kEntriesPerChunk} * 4);
    for (uint64_t first = 0; first < arena_.external_nlba; first += kEntriesPerChunk) {
      const auto count =
          static_cast<uint32_t>(std::min<uint64_t>(kEntriesPerChunk, arena_.external_nlba - first));
      const auto at = static_cast<uint32_t>(first);
      const absl::Status whole =
          ns_.Read(arena_.MapAt(at), absl::MakeSpan(bytes).first(size_t{count} * 4));
      if (whole.ok()) {
        VisitSome(bytes.data(), at, count, visit);
        continue;
      }
      if (!IsPoison(whole)) return whole;
      for (uint32_t done = 0; done < count; done += kEntriesPerUnit) {
        const uint32_t some = std::min(kEntriesPerUnit, count - done);
        const absl::Status unit =
            ns_.Read(arena_.MapAt(at + done), absl::MakeSpan(bytes).first(size_t{some} * 4));
        if (unit.ok()) {
          VisitSome(bytes.data(), at + done, some, visit);
        } else if (!IsPoison(unit)) {
          return unit;
        } else if (first_pass) {
          Report("btt.map.unreadable", arena_.MapAt(at + done),
                 absl::StrCat("the map entries of sectors ", at + done, " to ",
                              at + done + some - 1, " are on bad media"));
          for (uint32_t i = 0; i < some; ++i) MakeHomeless(at + done + i);
        }
      }
    }
    return absl::OkStatus();
  }

  template <typename Visit>
  void VisitSome(const std::byte* bytes, uint32_t first, uint32_t count, const Visit& visit) {
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t raw = core::LoadLe<uint32_t>(bytes + size_t{i} * 4);
      if (!rolled_.empty()) {
        const auto rolled = rolled_.find(first + i);
        if (rolled != rolled_.end()) raw = rolled->second;
      }
      visit(MapEntry(raw, first + i), first + i);
    }
  }

  void MakeHomeless(uint32_t premap) {
    if (survey_.homeless_sectors.size() < kMostHomeless)
      survey_.homeless_sectors.push_back(premap);
    else
      survey_.too_many = true;
  }

  void Claim(MapEntry entry, uint32_t premap) {
    if (entry.error()) {
      ++survey_.error_sectors;
      Report("btt.map.error", arena_.MapAt(premap),
             absl::StrCat("sector ", premap, " is marked as lost to a media error"));
    }
    const uint32_t block = entry.block();
    if (block >= arena_.internal_nlba) {
      Report("btt.map.range", arena_.MapAt(premap),
             absl::StrCat("map entry ", Hex(entry.raw()), " of sector ", premap,
                          " names a block outside the ", arena_.internal_nlba, " of the arena"));
      MakeHomeless(premap);
    } else if (survey_.owned[block]) {
      if (shared_.size() < kMostHomeless)
        shared_.insert(block);
      else
        survey_.too_many = true;
    } else {
      survey_.owned[block] = true;
      ++owned_count_;
    }
  }

  // Nobody can tell whose data a shared block holds: none of its sectors keeps it. A block that a
  // lane shares with one sector stays the sector's, but what it holds is in doubt.
  void EvictShared(MapEntry entry, uint32_t premap) {
    const uint32_t block = entry.block();
    if (block >= arena_.internal_nlba) return;
    if (shared_.contains(block)) {
      Report("btt.map.shared", arena_.MapAt(premap),
             absl::StrCat("sector ", premap, " names block ", block, ", as another sector does"));
      MakeHomeless(premap);
      if (survey_.owned[block]) {
        survey_.owned[block] = false;
        --owned_count_;
      }
    } else if (lent_.contains(block)) {
      survey_.doubtful_sectors.push_back(premap);
    }
  }

  void ClaimFreeBlocks() {
    for (const auto& [lane, record] : records_) {
      if (shared_.contains(record.old_block) || survey_.owned[record.old_block]) {
        BreakLane(lane, "btt.flog.shared",
                  absl::StrCat("its free block ", record.old_block, " is owned by another, too"));
        lent_.insert(record.old_block);
        continue;
      }
      survey_.owned[record.old_block] = true;
      ++owned_count_;
    }
    std::sort(survey_.broken_lanes.begin(), survey_.broken_lanes.end());
  }

  void CountLost() {
    survey_.lost_blocks = arena_.internal_nlba - owned_count_;
    if (survey_.lost_blocks == 0) return;
    const auto first = static_cast<uint32_t>(
        std::find(survey_.owned.begin(), survey_.owned.end(), false) - survey_.owned.begin());
    Report("btt.block.lost", arena_.BlockAt(first),
           absl::StrCat(survey_.lost_blocks,
                        " blocks are owned by no sector and no lane; the first is ", first));
  }

  const core::Media& ns_;
  const ArenaGeometry& arena_;
  ArenaSurvey survey_;
  std::map<uint32_t, LaneRecord> records_;         // of sound lanes
  std::unordered_map<uint32_t, uint32_t> rolled_;  // premap -> raw entry after recovery
  std::unordered_set<uint32_t> shared_;            // blocks that several sectors name
  std::unordered_set<uint32_t> lent_;              // free blocks of broken lanes, owned by others
  std::map<std::string, size_t> kinds_;
  uint64_t owned_count_ = 0;
  bool first_pass_ = true;
};

}  // namespace

absl::StatusOr<ArenaSurvey> SurveyArena(const core::Media& ns, const ArenaGeometry& arena) {
  return Surveyor(ns, arena).Run();
}

}  // namespace nvdimmfs::btt
