// SPDX-License-Identifier: Apache-2.0
#include "btt/info_vet.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/btt_format.h"
#include "btt/info_block.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

class BlockVet {
 public:
  BlockVet(const InfoBlock& info, uint64_t start) : info_(info), start_(start) {}

  std::vector<core::VetFinding> Run(uint64_t ns_size, Version version) {
    if (!IsExternalSize(info_.external_lbasize))
      Report("btt.info.lbasize",
             absl::StrCat("sectors of ", uint32_t{info_.external_lbasize}, " bytes"));
    if (info_.nfree < kLanes)
      Report("btt.info.nfree", absl::StrCat("nfree ", uint32_t{info_.nfree}, " is below the ",
                                            kLanes, " lanes of a region"));
    VetOdd();
    if (std::any_of(info_.padding.begin(), info_.padding.end(),
                    [](uint8_t byte) { return byte != 0; }))
      Report("btt.info.padding", "the padding is not zero");
    const auto arena = ParseArena(info_, start_, ns_size - start_);
    if (arena.ok())
      VetGeometry(*arena, ns_size, version);
    else if (!Has(core::ReasonOf(arena.status())))
      Report(core::ReasonOf(arena.status()), std::string(arena.status().message()));
    return std::move(findings_);
  }

 private:
  void Report(std::string reason, const std::string& sentence) {
    findings_.push_back(
        {{std::move(reason), start_,
          absl::StrCat("info block of the arena at offset ", start_, ": ", sentence)},
         kInfoSize});
  }

  bool Has(const std::string& reason) const {
    return std::any_of(findings_.begin(), findings_.end(), [&](const core::VetFinding& found) {
      return found.finding.reason == reason;
    });
  }

  void VetOdd() {
    if ((info_.flags & ~kInfoFlagError) != 0)
      Report("btt.info.odd", absl::StrCat("flags 0x", absl::Hex(uint32_t{info_.flags})));
    else if (info_.nfree > kLanes)
      Report("btt.info.odd", absl::StrCat("nfree ", uint32_t{info_.nfree}, " instead of ", kLanes));
    else if (UuidOf(info_).is_nil())
      Report("btt.info.odd", "its uuid is zero");
  }

  // A kernel computes everything from the size of the namespace and of the sectors.
  void VetGeometry(const ArenaGeometry& arena, uint64_t ns_size, Version version) {
    for (const ArenaGeometry& made : DivideIntoArenas(ns_size, version, arena.external_lbasize)) {
      if (made.start != arena.start) continue;
      ArenaGeometry expected = made;
      // What parsing knows of the last arena's size.
      if (made.nextoff == 0) expected.size = made.info2off + kInfoSize;
      if (expected == arena || arena.nfree != kLanes) return;
      Report("btt.info.geometry",
             absl::StrCat("its parts are not where a kernel puts them in a namespace of ", ns_size,
                          " bytes: ", ToString(info_)));
      return;
    }
    Report("btt.info.geometry", "no kernel begins an arena there");
  }

  const InfoBlock& info_;
  const uint64_t start_;
  std::vector<core::VetFinding> findings_;
};

}  // namespace

std::vector<core::VetFinding> VetInfo(const core::Media& ns, uint64_t start, Version version) {
  const auto info = LoadInfo(ns, start);
  if (!info.ok() || info->signature != kSignature) return {};
  return BlockVet(*info, start).Run(ns.size(), version);
}

}  // namespace nvdimmfs::btt
