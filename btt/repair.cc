#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/check.h"
#include "btt/info_chain.h"
#include "btt/map_entry.h"
#include "btt/survey.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kPoisonUnit = 512;
// new_map and seq of a flog slot that nobody takes for one: 4 is no sequence number.
constexpr uint64_t kNonsense = uint64_t{4} << 32;

// Hands out the blocks that nobody owns, ascending.
class LostBlocks {
 public:
  explicit LostBlocks(const std::vector<bool>& owned) : owned_(owned) {}
  std::optional<uint32_t> Next() {
    while (at_ < owned_.size() && owned_[at_]) ++at_;
    if (at_ == owned_.size()) return std::nullopt;
    return static_cast<uint32_t>(at_++);
  }

 private:
  const std::vector<bool>& owned_;
  size_t at_ = 0;
};

absl::Status NoBlockLeft() {
  return core::Refusal(EIO, "btt.block.lost", "there are fewer lost blocks than owners in need");
}

class Repairer {
 public:
  Repairer(core::Media& ns, Version version, const core::Uuid& parent_uuid, const SaveCopy& save)
      : ns_(ns), version_(version), parent_(parent_uuid), save_(save) {}

  absl::StatusOr<RepairReport> Run() {
    InfoChain chain = WalkInfo(ns_, version_, parent_);
    if (chain.links.empty())
      return core::Refusal(ENODEV, "btt.info.signature",
                           "neither an info block nor a copy of one: nothing to repair from");
    RETURN_IF_ERROR(CheckOneBtt(chain));
    // Later arenas first: arena 0's block is what makes the whole a BTT.
    for (size_t i = chain.links.size(); i > 0; --i) RETURN_IF_ERROR(MendInfo(chain.links[i - 1]));
    for (ChainLink& link : chain.links) RETURN_IF_ERROR(MendArena(link));
    RETURN_IF_ERROR(ns_.Flush());
    return RepairReport{std::move(done_), Check(ns_, version_, parent_)};
  }

 private:
  // Arenas of different block sizes cannot have been made together: which of them is right is not
  // for a repair to say.
  static absl::Status CheckOneBtt(const InfoChain& chain) {
    for (const ChainLink& link : chain.links)
      if (link.geometry.external_lbasize != chain.links[0].geometry.external_lbasize)
        return core::Refusal(
            EIO, "btt.info.lbasize",
            absl::StrCat("the arenas at 0x", absl::Hex(chain.links[0].geometry.start), " and 0x",
                         absl::Hex(link.geometry.start),
                         " differ in their block size: nothing is repaired; restore the info "
                         "blocks of one of them from a backup"));
    return absl::OkStatus();
  }

  void Done(const std::string& reason, uint64_t offset, std::string sentence) {
    done_.push_back({reason, offset, std::move(sentence)});
  }

  // Saves, makes good, stores and drains.
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
      Done("btt.info.backup", link.geometry.Info2At(), "info block copied to its copy");
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
    ASSIGN_OR_RETURN(const ArenaSurvey survey, SurveyArena(ns_, link.geometry));
    const bool flagged = (link.info.flags & kInfoFlagError) != 0;
    if (survey.too_many)
      return core::Refusal(EIO, "btt.map.shared",
                           "the map contradicts itself in more than a million places: restore the "
                           "namespace from a backup");
    if (survey.damaged()) {
      // From here until nothing contradicts itself, no kernel and no Btt writes to the arena.
      RETURN_IF_ERROR(SetFlags(link, link.info.flags | kInfoFlagError));
    }
    RETURN_IF_ERROR(RollForward(link.geometry, survey));
    if (survey.damaged()) RETURN_IF_ERROR(FindHomes(link.geometry, survey));
    if (!survey.damaged() && !flagged) return absl::OkStatus();
    ASSIGN_OR_RETURN(const ArenaSurvey after, SurveyArena(ns_, link.geometry));
    if (after.damaged() || after.lost_blocks != 0)
      return core::Refusal(EIO, "btt.repair.left", "the arena still contradicts itself");
    RETURN_IF_ERROR(SetFlags(link, link.info.flags & ~kInfoFlagError));
    if (flagged) Done("btt.info.flags", link.geometry.start, "the arena may be written again");
    return absl::OkStatus();
  }

  absl::Status StoreEntry(const ArenaGeometry& arena, uint32_t premap, uint32_t raw) {
    const uint64_t at = arena.MapAt(premap);
    RETURN_IF_ERROR(Save(at, sizeof raw));
    RETURN_IF_ERROR(ns_.Store32(at, raw));
    return ns_.Persist(at, sizeof raw);
  }

  absl::Status RollForward(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    for (const PendingWrite& write : survey.pending) {
      // Sharers are dealt with below.
      if (std::binary_search(survey.homeless_sectors.begin(), survey.homeless_sectors.end(),
                             write.premap))
        continue;
      RETURN_IF_ERROR(StoreEntry(arena, write.premap, MapEntry::Normal(write.new_block)));
      Done("btt.flog.pending", arena.MapAt(write.premap),
           absl::StrCat("sector ", write.premap, " switched to block ", write.new_block));
    }
    return absl::OkStatus();
  }

  absl::Status FindHomes(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    LostBlocks lost(survey.owned);
    RETURN_IF_ERROR(HealMap(arena, survey));
    for (uint32_t premap : survey.homeless_sectors) {
      const auto block = lost.Next();
      if (!block) return NoBlockLeft();
      RETURN_IF_ERROR(StoreEntry(arena, premap, MapEntry::Error(*block)));
      Done("btt.map.error", arena.MapAt(premap),
           absl::StrCat("sector ", premap, " now reads EIO until it is written"));
    }
    // Before the lanes: while one is broken, a repair that was cut still knows these.
    RETURN_IF_ERROR(MarkDoubtful(arena, survey));
    RETURN_IF_ERROR(HealFlog(arena, survey));
    for (uint32_t lane : survey.broken_lanes) {
      const auto block = lost.Next();
      if (!block) return NoBlockLeft();
      RETURN_IF_ERROR(ResetLane(arena, lane, *block));
      Done("btt.flog.reset", arena.FlogAt(lane),
           absl::StrCat("lane ", lane, " reset, with free block ", *block));
    }
    return absl::OkStatus();
  }

  // The block stays the sector's, for whoever wants to look at it.
  absl::Status MarkDoubtful(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    for (uint32_t premap : survey.doubtful_sectors) {
      std::array<std::byte, 4> word;
      RETURN_IF_ERROR(ns_.Read(arena.MapAt(premap), absl::MakeSpan(word)));
      const MapEntry entry(core::LoadLe<uint32_t>(word.data()), premap);
      if (entry.error()) continue;
      RETURN_IF_ERROR(StoreEntry(arena, premap, MapEntry::Error(entry.block())));
      Done("btt.map.error", arena.MapAt(premap),
           absl::StrCat("sector ", premap, " now reads EIO until it is written: its block ",
                        entry.block(), " was a lane's free block as well"));
    }
    return absl::OkStatus();
  }

  // A poisoned unit of the map becomes entries that are out of range: a repair cut here sees the
  // same homeless sectors again.
  absl::Status HealMap(const ArenaGeometry& arena, const ArenaSurvey& survey) {
    const uint64_t map_end = arena.MapAt(0) + uint64_t{arena.external_nlba} * 4;
    for (uint32_t premap : survey.homeless_sectors) {
      const uint64_t unit = core::RoundDown(arena.MapAt(premap), kPoisonUnit);
      if (!ns_.IsPoisoned(unit, kPoisonUnit)) continue;
      std::array<std::byte, kPoisonUnit> nowhere{};  // the padding after the map stays zero
      std::fill_n(nowhere.begin(), std::min(kPoisonUnit, map_end - unit), std::byte{0xff});
      RETURN_IF_ERROR(Replace(unit, nowhere));
    }
    return absl::OkStatus();
  }

  // Likewise: groups whose sequence numbers make no sense.
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

  // One entry with old = new, which no opening replays. Until the last store the group has a
  // sequence number that is none: a cut leaves it as broken as it was, never with a record put
  // together from two.
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
};

}  // namespace

absl::StatusOr<RepairReport> Repair(core::Media& ns, Version version, const core::Uuid& parent_uuid,
                                    const SaveCopy& save) {
  if (ns.read_only())
    return core::Refusal(EROFS, "media.read_only", "repair needs a media that can be written");
  if (ns.size() < InitialOffset(version) + kMinArena)
    return core::Refusal(ENODEV, "btt.size", "the namespace is too small for a BTT");
  return Repairer(ns, version, parent_uuid, save).Run();
}

}  // namespace nvdimmfs::btt
