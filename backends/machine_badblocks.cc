// SPDX-License-Identifier: Apache-2.0
#include "backends/machine_badblocks.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_split.h"
#include "core/media/badblocks.h"

namespace nvdimmfs::backends {
namespace {

constexpr char kBadblocks[] = "badblocks";
constexpr uint64_t kSector = 512;
// No disk has 2^62 bytes.
constexpr uint64_t kMostSectors = (uint64_t{1} << 62) / kSector;

// The part of `bad` (relative to `base`) inside `place`, relative to its start.
std::optional<core::Range> Within(const core::Range& bad, uint64_t base, const core::Range& place) {
  const auto start = core::CheckedAdd(base, bad.start);
  const auto moved = start ? core::MakeRange(*start, bad.size) : std::nullopt;
  if (!moved || !moved->Overlaps(place)) return std::nullopt;
  const uint64_t first = std::max(moved->start, place.start);
  return core::Range{first - place.start, std::min(moved->end(), place.end()) - first};
}

}  // namespace

void TakeBadblocks(absl::string_view listing, uint64_t base, const core::Range& place,
                   core::Media& media) {
  for (const absl::string_view line : absl::StrSplit(listing, '\n', absl::SkipEmpty())) {
    const auto bad = core::ParseBadblock(line);
    if (!bad.ok()) continue;
    if (const auto ours = Within(*bad, base, place)) media.InjectPoison(*ours).IgnoreError();
  }
}

void TakeDiskBadblocks(const SysfsFolder& disk, core::Media& media) {
  // A partition's directory is in that of its disk, and has the partition's first sector.
  const auto whole = disk.Has("partition") ? disk.Follow("..") : disk;
  const uint64_t start = disk.Has("partition") ? disk.Number("start").value_or(kMostSectors) : 0;
  const auto listing = whole ? whole->Text(kBadblocks) : std::nullopt;
  if (!listing || start >= kMostSectors) return;
  const auto place = core::MakeRange(start * kSector, media.size());
  if (place) TakeBadblocks(*listing, 0, *place, media);
}

}  // namespace nvdimmfs::backends
