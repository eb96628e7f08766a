// SPDX-License-Identifier: Apache-2.0
// Discards that give whole pages of the media back (btt_format.md, "Discarding").
#include <algorithm>
#include <atomic>
#include <bitset>
#include <cerrno>
#include <vector>

#include "btt/arena.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/page_holes.h"

namespace nvdimmfs::btt {
namespace {

// A page is looked for among this many sectors: 4 MiB of 512 bytes.
constexpr uint32_t kMostCollected = 8192;
// What one hole holds up at most: readers and writers of its sectors wait for the media.
constexpr size_t kMostInOneHole = 2048;  // sectors

}  // namespace

// How many blocks fill a page that can be given back; 0 if a block would span two pages.
uint32_t Arena::BlocksInAHole() const {
  const uint64_t unit = core::HoleUnitOf(*ns_);
  const uint32_t block = geometry_.internal_lbasize;
  if (unit == 0 || unit % block != 0 || geometry_.BlockAt(0) % block != 0) return 0;
  return unit / block <= kMostInOneHole ? static_cast<uint32_t>(unit / block) : 0;
}

// The sectors in the order of their blocks. Those that a write has to make good are left out.
std::vector<Arena::Owner> Arena::OwnersOf(uint32_t premap, uint32_t count) const {
  std::vector<Owner> owners;
  owners.reserve(count);
  for (uint32_t sector = premap; sector - premap < count; ++sector) {
    const auto entry = LoadMap(sector);
    if (entry.ok() && !entry->error() && entry->block() < geometry_.internal_nlba)
      owners.push_back({entry->block(), sector});
  }
  std::sort(owners.begin(), owners.end(),
            [](const Owner& a, const Owner& b) { return a.block < b.block; });
  return owners;
}

// How many of the first `owners`, a multiple of `per_hole`, fill whole pages that follow each
// other.
size_t Arena::WholePages(absl::Span<const Owner> owners, uint32_t per_hole) const {
  const uint64_t unit = uint64_t{per_hole} * geometry_.internal_lbasize;
  if (geometry_.BlockAt(owners[0].block) % unit != 0) return 0;
  const size_t most = std::min(owners.size(), core::RoundDown(kMostInOneHole, per_hole));
  size_t run = 1;
  while (run < most && owners[run].block == owners[run - 1].block + 1) ++run;
  return run - run % per_hole;
}

// Under the locks of its sectors no block of the run changes hands; the entries say whether one has
// since they were read. So none of them is a lane's, which a writer might be storing to.
bool Arena::Punch(absl::Span<const Owner> run) {
  std::bitset<ShardTable::kCount> shards;
  for (const Owner& owner : run) shards.set(ShardTable::IndexOf(owner.premap));
  const uint64_t at = geometry_.BlockAt(run[0].block);
  const uint64_t length = uint64_t{run.size()} * geometry_.internal_lbasize;
  const InPlaceLocks locks(shards_, shards);
  if (!writable() || ns_->IsPoisoned(at, length)) return false;
  for (const Owner& owner : run) {
    const auto entry = LoadMap(owner.premap);
    if (!entry.ok() || entry->error() || entry->block() != owner.block) return false;
  }
  const absl::Status punched = ns_->Punch(at, length);
  if (core::ErrnoOf(punched) == EOPNOTSUPP)
    gives_nothing_back_.store(true, std::memory_order_relaxed);
  return punched.ok();
}

absl::Status Arena::GiveBack(uint32_t premap, uint32_t count, Rest rest) {
  while (count > 0) {
    RETURN_IF_ERROR(CheckWritable());
    const uint32_t piece = std::min(count, kMostCollected);
    std::vector<bool> given(piece);
    const uint32_t per_hole =
        gives_nothing_back_.load(std::memory_order_relaxed) ? 0 : BlocksInAHole();
    if (per_hole != 0 && per_hole <= piece) {
      const std::vector<Owner> owners = OwnersOf(premap, piece);
      for (absl::Span<const Owner> left = owners; left.size() >= per_hole;) {
        const size_t run = WholePages(left, per_hole);
        if (run != 0 && Punch(left.first(run)))
          for (const Owner& owner : left.first(run)) given[owner.premap - premap] = true;
        left.remove_prefix(std::max<size_t>(run, 1));
      }
    }
    for (uint32_t at = 0; at < piece;) {
      uint32_t end = at + 1;
      while (end < piece && given[end] == given[at]) ++end;
      if (!given[at]) RETURN_IF_ERROR(rest(premap + at, end - at));
      at = end;
    }
    premap += piece;
    count -= piece;
  }
  return absl::OkStatus();
}

}  // namespace nvdimmfs::btt
