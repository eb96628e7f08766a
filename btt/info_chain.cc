// SPDX-License-Identifier: Apache-2.0
#include "btt/info_chain.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

struct Parsed {
  InfoBlock info;
  ArenaGeometry geometry;
};

class Walker {
 public:
  Walker(const core::Media& ns, Version version, const core::Uuid& parent_uuid)
      : ns_(ns), version_(version), parent_(parent_uuid) {}

  InfoChain Run() {
    uint64_t start = InitialOffset(version_);
    while (true) {
      auto link = LinkAt(start);
      if (!link) break;
      chain_.links.push_back(*link);
      if (link->geometry.nextoff == 0) break;
      start += link->geometry.nextoff;
      if (chain_.links.size() == kMostArenas) {
        Report("btt.info.chain", start,
               absl::StrCat("there are more than ", kMostArenas,
                            " arenas, which no kernel makes; the others were not looked at"));
        break;
      }
    }
    if (!chain_.links.empty()) JudgeTail();
    return std::move(chain_);
  }

 private:
  void Report(const std::string& reason, uint64_t offset, std::string sentence) {
    chain_.findings.push_back({reason, offset, std::move(sentence)});
  }

  // The info block at `at`, if it is that of an arena that starts at `start`.
  absl::StatusOr<Parsed> ParsedAt(uint64_t at, uint64_t start) const {
    ASSIGN_OR_RETURN(const InfoBlock info, LoadInfo(ns_, at));
    RETURN_IF_ERROR(CheckInfo(info, parent_));
    RETURN_IF_ERROR(CheckVersion(info, version_));
    ASSIGN_OR_RETURN(const ArenaGeometry geometry, ParseArena(info, start, ns_.size() - start));
    return Parsed{info, geometry};
  }

  std::optional<ChainLink> LinkAt(uint64_t start) {
    const size_t index = chain_.links.size();
    const auto first = ParsedAt(start, start);
    if (!first.ok()) {
      Report(index == 0 ? core::ReasonOf(first.status()) : "btt.info.chain", start,
             absl::StrCat("info block of arena ", index, ": ", first.status().message()));
      const auto stand_in = StandInFor(start);
      if (!stand_in) return std::nullopt;
      return ChainLink{stand_in->geometry, stand_in->info, false, CopyEquals(*stand_in)};
    }
    const ChainLink link{first->geometry, first->info, true, CopyEquals(*first)};
    if (!link.second_equal)
      Report("btt.info.backup", link.geometry.Info2At(),
             absl::StrCat("the copy of arena ", index, "'s info block differs from it"));
    if (link.info.flags & kInfoFlagError)
      Report("btt.info.flags", start + offsetof(InfoBlock, flags),
             absl::StrCat("arena ", index, " is flagged read-only after an error"));
    if (index > 0 && link.info.external_lbasize != chain_.links[0].info.external_lbasize)
      Report("btt.info.mixed", start + offsetof(InfoBlock, external_lbasize),
             absl::StrCat("arena ", index, " has a block size of ",
                          uint32_t{link.info.external_lbasize}, ", arena 0 of ",
                          uint32_t{chain_.links[0].info.external_lbasize}));
    if (index > 0 && UuidOf(link.info) != UuidOf(chain_.links[0].info))
      Report("btt.info.uuid", start + offsetof(InfoBlock, uuid),
             absl::StrCat("arena ", index, " has the uuid ", UuidOf(link.info).ToString(),
                          ", arena 0 ", UuidOf(chain_.links[0].info).ToString()));
    return link;
  }

  bool CopyEquals(const Parsed& parsed) const {
    const auto copy = LoadInfo(ns_, parsed.geometry.Info2At());
    return copy.ok() && std::memcmp(&*copy, &parsed.info, sizeof(InfoBlock)) == 0;
  }

  // Without a valid block at `start`: its copy, at the place that follows from the size of the
  // namespace or that the damaged block names; failing that, the geometry with another arena's
  // identity.
  std::optional<Parsed> StandInFor(uint64_t start) {
    for (uint64_t at : CopyCandidates(start)) {
      auto copy = ParsedAt(at, start);
      if (copy.ok() && copy->geometry.Info2At() == at) return *copy;
    }
    return Reconstructed(start);
  }

  std::vector<uint64_t> CopyCandidates(uint64_t start) const {
    std::vector<uint64_t> candidates;
    // info2off does not depend on the block size.
    for (const ArenaGeometry& arena : DivideIntoArenas(ns_.size(), version_, 4096))
      if (arena.start == start) candidates.push_back(arena.Info2At());
    const auto damaged = LoadInfo(ns_, start);
    if (damaged.ok()) {
      const auto at = core::CheckedAdd(start, damaged->info2off);
      if (at && core::Fits(*at, kInfoSize, ns_.size())) candidates.push_back(*at);
    }
    return candidates;
  }

  std::optional<Parsed> Reconstructed(uint64_t start) const {
    const auto arenas = DivideIntoArenas(ns_.size(), version_, 4096);
    if (arenas.size() < 2) return std::nullopt;
    for (const ArenaGeometry& other : arenas) {
      if (other.start == start) continue;
      auto witness = ParsedAt(other.start, other.start);
      if (!witness.ok()) witness = ParsedAt(other.Info2At(), other.start);
      if (!witness.ok()) continue;
      for (const ArenaGeometry& arena :
           DivideIntoArenas(ns_.size(), version_, witness->geometry.external_lbasize))
        if (arena.start == start)
          return Parsed{MakeInfo(arena, UuidOf(witness->info), ParentOf(witness->info), version_),
                        arena};
    }
    return std::nullopt;
  }

  void JudgeTail() {
    const ArenaGeometry& last = chain_.links.back().geometry;
    if (last.nextoff != 0) return;  // reported as a broken chain
    const uint64_t end = last.start + last.size;
    if (last.size < kMaxArena && ns_.size() - end >= kMinArena)
      Report("btt.info.unused", end,
             absl::StrCat(ns_.size() - end, " bytes after the last arena belong to no arena"));
  }

  const core::Media& ns_;
  const Version version_;
  const core::Uuid parent_;
  InfoChain chain_;
};

}  // namespace

InfoChain WalkInfo(const core::Media& ns, Version version, const core::Uuid& parent_uuid) {
  return Walker(ns, version, parent_uuid).Run();
}

}  // namespace nvdimmfs::btt
