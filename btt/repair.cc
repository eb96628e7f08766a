// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/check.h"
#include "btt/flog_reader.h"
#include "btt/info_chain.h"
#include "btt/map_entry.h"
#include "btt/survey.h"
#include "btt/weigh.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/poison_list.h"

namespace nvdimmfs::btt {
namespace {

using core::kPoisonUnit;

// new_map and seq of a flog slot that no reader accepts: 4 is not a sequence number.
constexpr uint64_t kNonsense = uint64_t{4} << 32;

// The message about one repaired sector.
std::string Told(const SectorMend& mend) {
  const uint32_t block = mend.entry & kMapBlockMask;
  const std::string gets = absl::StrCat("sector ", mend.premap, " gets block ", block);
  const char* const still =
      MapEntry(mend.entry, mend.premap).zero() ? "; it still reads as zeros" : "";
  switch (mend.verdict) {
    case Verdict::kFlog:
      return absl::StrCat(gets, ", where the flog says it was written", still);
    case Verdict::kOneBit:
      return absl::StrCat(gets, ", which differs from its map entry in one bit", still);
    case Verdict::kOnlyOwner:
      return absl::StrCat(gets, ", the only block without an owner", still);
    case Verdict::kCopy:
      return absl::StrCat("cannot tell which of sectors ", mend.other, " and ", mend.premap,
                          " owns block ", mend.before, ": both keep reading it, sector ",
                          mend.premap, " through a copy in block ", block,
                          "; the old contents of that block, perhaps the data of one of them, are "
                          "saved");
    case Verdict::kZeros:
      return ": still reads as zeros";
    case Verdict::kLost:
      return ": the data cannot be located; reads give EIO until the sector is written";
  }
  return "";
}

const char* ReasonOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFlog:
      return "btt.map.flog";
    case Verdict::kOneBit:
      return "btt.map.one_bit";
    case Verdict::kOnlyOwner:
      return "btt.map.only_owner";
    case Verdict::kCopy:
      return "btt.map.copy";
    case Verdict::kZeros:
      return "btt.map.zeros";
    case Verdict::kLost:
      return "btt.map.error";
  }
  return "";
}

class Repairer {
 public:
  Repairer(core::Media& ns, Version version, const core::Uuid& parent_uuid, const SaveCopy& save)
      : ns_(ns), version_(version), parent_(parent_uuid), save_(save) {}

  absl::StatusOr<RepairReport> Run() {
    InfoChain chain = WalkInfo(ns_, version_, parent_);
    if (chain.links.empty())
      return core::Refusal(ENODEV, "btt.info.signature",
                           "there is neither an info block nor a copy of one to repair from");
    RETURN_IF_ERROR(CheckOneBtt(chain));
    // Later arenas first: arena 0's block makes the whole valid.
    for (size_t i = chain.links.size(); i > 0; --i) RETURN_IF_ERROR(MendInfo(chain.links[i - 1]));
    for (ChainLink& link : chain.links) RETURN_IF_ERROR(MendArena(link));
    RETURN_IF_ERROR(ns_.Flush());
    return RepairReport{std::move(done_), Check(ns_, version_, parent_), std::move(notes_)};
  }

 private:
  // Arenas of different block sizes cannot belong together, and repair cannot know which is right.
  static absl::Status CheckOneBtt(const InfoChain& chain) {
    for (const ChainLink& link : chain.links)
      if (link.geometry.external_lbasize != chain.links[0].geometry.external_lbasize)
        return core::Refusal(
            EIO, "btt.info.mixed",
            absl::StrCat("the arenas at 0x", absl::Hex(chain.links[0].geometry.start), " and 0x",
                         absl::Hex(link.geometry.start),
                         " have different block sizes: nothing is repaired; restore the info "
                         "blocks of one of them from a backup"));
    return absl::OkStatus();
  }

  void Done(const std::string& reason, uint64_t offset, std::string sentence) {
    done_.push_back({reason, offset, std::move(sentence)});
  }

  // Saves the old bytes, clears poison, stores and drains.
  absl::Status Replace(uint64_t at, absl::Span<const std::byte> bytes) {
    std::vector<std::byte> before(bytes.size());
    if (ns_.Read(at, absl::MakeSpan(before)).ok()) RETURN_IF_ERROR(save_(at, before));
    if (ns_.IsPoisoned(at, bytes.size())) RETURN_IF_ERROR(ns_.ClearPoison(at, bytes.size()));
    RETURN_IF_ERROR(ns_.WriteThrough(at, bytes));
    return ns_.Drain();
  }

  absl::Status Save(uint64_t at, uint64_t length) {
    std::vector<std::byte> before(length);
    return ns_.Read(at, absl::MakeSpan(before)).ok() ? save_(at, before) : absl::OkStatus();
  }

  // One of the two is valid at every instant.
  absl::Status MendInfo(ChainLink& link) {
    if (!link.second_equal && link.first_valid) {
      RETURN_IF_ERROR(Replace(link.geometry.Info2At(), BytesOf(link.info)));
      Done("btt.info.backup", link.geometry.Info2At(), "info block copied to its backup");
    }
    if (!link.first_valid) {
      if (!link.second_equal) RETURN_IF_ERROR(Replace(link.geometry.Info2At(), BytesOf(link.info)));
      RETURN_IF_ERROR(Replace(link.geometry.start, BytesOf(link.info)));
      Done("btt.info.restored", link.geometry.start, "info block restored");
    }
    link.first_valid = link.second_equal = true;
    return absl::OkStatus();
  }

  // Both blocks with other flags; the copy first, so that one of them is valid throughout.
  absl::Status SetFlags(ChainLink& link, uint32_t flags) {
    if (link.info.flags == flags) return absl::OkStatus();
    link.info.flags = flags;
    Seal(link.info);
    RETURN_IF_ERROR(Replace(link.geometry.Info2At(), BytesOf(link.info)));
    return Replace(link.geometry.start, BytesOf(link.info));
  }

  absl::Status MendArena(ChainLink& link) {
    const ArenaGeometry& arena = link.geometry;
    ASSIGN_OR_RETURN(const ArenaSurvey survey, SurveyArena(ns_, arena));
    const bool flagged = (link.info.flags & kInfoFlagError) != 0;
    if (survey.too_many)
      return core::Refusal(EIO, "btt.map.too_many",
                           "the map contradicts itself in more than a million places: restore the "
                           "namespace from a backup");
    RETURN_IF_ERROR(RollForward(arena, survey));
    if (survey.damaged()) {
      ASSIGN_OR_RETURN(const RepairPlan plan, Weigh(ns_, arena, survey, flagged));
      RETURN_IF_ERROR(Carry(link, survey, plan));
      TellCost(arena, plan);
    }
    if (!survey.damaged() && !flagged) return absl::OkStatus();
    ASSIGN_OR_RETURN(const ArenaSurvey after, SurveyArena(ns_, arena));
    if (after.damaged() || after.lost_blocks != 0)
      return core::Refusal(EIO, "btt.repair.left", "the arena still contradicts itself");
    RETURN_IF_ERROR(SetFlags(link, link.info.flags & ~kInfoFlagError));
    if (flagged) Done("btt.info.flags", arena.start, "the arena is writable again");
    return absl::OkStatus();
  }

  // Carries the plan out.
  absl::Status Carry(ChainLink& link, const ArenaSurvey& survey, const RepairPlan& plan) {
    const ArenaGeometry& arena = link.geometry;
    RETURN_IF_ERROR(HealMap(arena, survey));
    for (const SectorMend& mend : plan.told) {
      RETURN_IF_ERROR(StoreEntry(arena, mend.premap, mend.entry));
      Done(ReasonOf(mend.verdict), arena.MapAt(mend.premap), Told(mend));
    }
    if (plan.rest.empty() && plan.lanes.empty()) return absl::OkStatus();
    // From here until all contradictions are gone, neither a kernel nor a Btt writes to the arena,
    // and another repair knows that lost blocks may have been given out.
    RETURN_IF_ERROR(SetFlags(link, link.info.flags | kInfoFlagError));
    RETURN_IF_ERROR(MendRest(arena, plan.rest));
    RETURN_IF_ERROR(HealFlog(arena, survey));
    for (const LaneMend& mend : plan.lanes) {
      // A lane overwrites its free block.
      RETURN_IF_ERROR(Save(arena.BlockAt(mend.block), arena.internal_lbasize));
      RETURN_IF_ERROR(ResetLane(arena, mend.lane, mend.block));
      Done("btt.flog.reset", arena.FlogAt(mend.lane),
           absl::StrCat("lane ", mend.lane, " gets the free block ", mend.block,
                        "; its old contents are saved"));
    }
    return absl::OkStatus();
  }

  absl::Status MendRest(const ArenaGeometry& arena, absl::Span<const SectorMend> mends) {
    for (size_t i = 0; i < mends.size(); ++i) {
      SectorMend mend = mends[i];
      if (mend.verdict == Verdict::kCopy) {
        ASSIGN_OR_RETURN(const bool copied,
                         CopyBlock(arena, mend.before, mend.entry & kMapBlockMask));
        // Its data is on bad media and not readable now, either.
        if (!copied) mend.entry = MapEntry::Error(mend.entry & kMapBlockMask);
      }
      RETURN_IF_ERROR(StoreEntry(arena, mend.premap, mend.entry));
      TellRest(arena, mends, i);
    }
    return absl::OkStatus();
  }

  // Consecutive sectors with the same verdict are reported together, at the last one.
  void TellRest(const ArenaGeometry& arena, absl::Span<const SectorMend> mends, size_t at) {
    const SectorMend& mend = mends[at];
    if (mend.verdict == Verdict::kCopy)
      return Done(ReasonOf(mend.verdict), arena.MapAt(mend.premap), Told(mend));
    const auto follows = [&](size_t i) {
      return mends[i].verdict == mend.verdict && mends[i - 1].verdict == mend.verdict &&
             mends[i].premap == mends[i - 1].premap + 1;
    };
    if (at + 1 < mends.size() && follows(at + 1)) return;
    size_t first = at;
    while (first > 0 && follows(first)) --first;
    Done(ReasonOf(mend.verdict), arena.MapAt(mends[first].premap),
         absl::StrCat(SectorRange(mends[first].premap, mend.premap), Told(mend)));
  }

  // False if one of the two is on bad media that cannot be cleared.
  absl::StatusOr<bool> CopyBlock(const ArenaGeometry& arena, uint32_t from, uint32_t to) {
    std::vector<std::byte> bytes(arena.internal_lbasize);
    const absl::Status read = ns_.Read(arena.BlockAt(from), absl::MakeSpan(bytes));
    if (IsPoison(read)) return false;
    RETURN_IF_ERROR(read);
    const uint64_t at = arena.BlockAt(to);
    RETURN_IF_ERROR(Save(at, bytes.size()));
    if (ns_.IsPoisoned(at, bytes.size()) && !ns_.ClearPoison(at, bytes.size()).ok()) return false;
    RETURN_IF_ERROR(ns_.WriteThrough(at, bytes));
    RETURN_IF_ERROR(ns_.Drain());
    return true;
  }

  void TellCost(const ArenaGeometry& arena, const RepairPlan& plan) {
    uint64_t copies = 0, lost = 0;
    for (const SectorMend& mend : plan.rest) {
      if (mend.verdict == Verdict::kCopy) ++copies;
      if (mend.verdict == Verdict::kLost) ++lost;
    }
    notes_.push_back(
        {"btt.repair.cost", arena.start,
         absl::StrCat("of ", arena.external_nlba, " sectors, ",
                      arena.external_nlba - plan.told.size() - copies - lost,
                      " keep what they read, ", plan.told.size(), " are recovered, ", copies,
                      " keep what they read although it may be another's, and ", lost,
                      " read EIO until they are written; ", plan.lanes.size(), " of ", arena.nfree,
                      " lanes get another free block")});
  }

  absl::Status StoreEntry(const ArenaGeometry& arena, uint32_t premap, uint32_t raw) {
    const uint64_t at = arena.MapAt(premap);
    RETURN_IF_ERROR(Save(at, sizeof raw));
    RETURN_IF_ERROR(ns_.Store32(at, raw));
    return ns_.Persist(at, sizeof raw);
  }

  absl::Status RollForward(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    for (const Move& write : survey.pending) {
      RETURN_IF_ERROR(StoreEntry(arena, write.premap, MapEntry::Normal(write.block)));
      Done("btt.flog.pending", arena.MapAt(write.premap),
           absl::StrCat("sector ", write.premap, " switched to block ", write.block,
                        ", which completes the interrupted write"));
    }
    return absl::OkStatus();
  }

  // A poisoned unit of the map becomes entries out of range: if this repair is cut, the next one
  // sees the same sectors without a block.
  absl::Status HealMap(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    const uint64_t map_end = arena.MapAt(0) + uint64_t{arena.external_nlba} * 4;
    for (const uint32_t premap : survey.unreadable) {
      const uint64_t unit = core::RoundDown(arena.MapAt(premap), kPoisonUnit);
      if (!ns_.IsPoisoned(unit, kPoisonUnit)) continue;
      std::array<std::byte, kPoisonUnit> nowhere{};  // the padding after the map stays zero
      std::fill_n(nowhere.begin(), std::min(kPoisonUnit, map_end - unit), std::byte{0xff});
      RETURN_IF_ERROR(Replace(unit, nowhere));
    }
    return absl::OkStatus();
  }

  // Likewise for the flog: groups with invalid sequence numbers.
  absl::Status HealFlog(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    for (uint32_t lane : survey.broken_lanes) {
      const uint64_t unit = core::RoundDown(arena.FlogAt(lane), kPoisonUnit);
      if (!ns_.IsPoisoned(unit, kPoisonUnit)) continue;
      RETURN_IF_ERROR(ns_.ClearPoison(unit, kPoisonUnit));
      for (uint64_t at = unit; at < unit + kPoisonUnit; at += sizeof(FlogGroup))
        RETURN_IF_ERROR(ns_.StoreThrough64(at + 8, kNonsense));
      RETURN_IF_ERROR(ns_.Drain());
    }
    return absl::OkStatus();
  }

  // One entry with old = new, which no opening replays. Until the last store, the group has an
  // invalid sequence number: a cut leaves it as broken as before, never with a record mixed from
  // two.
  absl::Status ResetLane(const ArenaGeometry& arena, uint32_t lane, uint32_t block) {
    const uint64_t at = arena.FlogAt(lane);  // slot 0 is the first of the pair in either padding
    RETURN_IF_ERROR(Save(at, sizeof(FlogGroup)));
    RETURN_IF_ERROR(ns_.StoreThrough64(at + 8, kNonsense));
    RETURN_IF_ERROR(ns_.Drain());
    const uint32_t lba = std::min(lane, arena.external_nlba - 1);
    RETURN_IF_ERROR(ns_.StoreThrough64(at, lba | uint64_t{block} << 32));
    for (uint64_t word = 16; word < sizeof(FlogGroup); word += 8)
      RETURN_IF_ERROR(ns_.StoreThrough64(at + word, 0));
    RETURN_IF_ERROR(ns_.Drain());
    RETURN_IF_ERROR(ns_.StoreThrough64(at + 8, block | uint64_t{1} << 32));
    return ns_.Drain();
  }

  core::Media& ns_;
  const Version version_;
  const core::Uuid parent_;
  const SaveCopy& save_;
  std::vector<core::Finding> done_;
  std::vector<core::Finding> notes_;
};

}  // namespace

absl::StatusOr<RepairReport> Repair(core::Media& ns, Version version, const core::Uuid& parent_uuid,
                                    const SaveCopy& save) {
  if (ns.read_only())
    return core::Refusal(EROFS, "media.read_only", "cannot repair a read-only media");
  if (ns.size() < InitialOffset(version) + kMinArena)
    return core::Refusal(ENODEV, "btt.size", "the namespace is too small for a BTT");
  return Repairer(ns, version, parent_uuid, save).Run();
}

}  // namespace nvdimmfs::btt
