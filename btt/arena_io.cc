// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "btt/arena.h"
#include "core/base/endian.h"
#include "core/base/event.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/copy_ahead.h"
#include "core/media/poison_list.h"

namespace nvdimmfs::btt {
namespace {

using core::kPoisonUnit;

// A reader that writers of its shard overtake this often takes the lock.
constexpr int kOptimisticReads = 8;

using SectorBuffer = std::array<std::byte, 4096>;

absl::Status BadSector(uint32_t premap) {
  return core::Refusal(EIO, "btt.map.error",
                       absl::StrCat("sector ", premap,
                                    " of the arena was lost to a media error; write "
                                    "the whole sector to make it readable again"));
}

absl::Status OutOfRange(MapEntry entry, uint32_t premap) {
  return core::Refusal(
      EIO, "btt.map.range",
      absl::StrCat("map entry 0x", absl::Hex(entry.raw(), absl::kZeroPad8), " of sector ", premap,
                   " names a block outside the arena; "
                   "run `nvdimmfs check`"));
}

}  // namespace

// Prefetches the entry's cache line. Does nothing if the media is not mapped.
void Arena::PrefetchMap(uint32_t premap) const {
  if (view_.base != nullptr) __builtin_prefetch(view_.base + geometry_.MapAt(premap));
}

absl::StatusOr<MapEntry> Arena::LoadMap(uint32_t premap) const {
  uint32_t word;
  if (!view_.usable() || !view_.load32(&word, view_.base + geometry_.MapAt(premap)))
    RETURN_IF_ERROR(ns_->Read(geometry_.MapAt(premap),
                              absl::MakeSpan(reinterpret_cast<std::byte*>(&word), sizeof word)));
  return MapEntry(core::LoadLe<uint32_t>(&word), premap);
}

// --- Reading -------------------------------------------------------------------------------------

absl::Status Arena::ReadOnce(uint32_t premap, MapEntry entry, uint32_t skip,
                             absl::Span<std::byte> out) const {
  if (entry.zero()) {
    std::fill(out.begin(), out.end(), std::byte{0});
    return absl::OkStatus();
  }
  if (entry.error()) return BadSector(premap);
  if (entry.block() >= geometry_.internal_nlba) return OutOfRange(entry, premap);
  const uint64_t block = geometry_.BlockAt(entry.block());
  // A sector is good or bad as a whole.
  if (out.size() != sector_size_ && ns_->IsPoisoned(block, sector_size_))
    return core::Refusal(EIO, "media.poison",
                         absl::StrCat("sector ", premap, " of the arena overlaps bad bytes"));
  return ns_->Read(block + skip, out);
}

// The fast path for mapped media: the protocol of ReadThroughMedia without calls into the media.
// False if anything is out of the ordinary.
bool Arena::ReadDirect(uint32_t premap, uint32_t skip, absl::Span<std::byte> out,
                       const std::byte* next) const {
  if (!view_.usable()) return false;
  const Shard& shard = shards_.Of(premap);
  const uint64_t generation = shard.generation.load(std::memory_order_acquire);
  uint32_t word;
  if (!view_.load32(&word, view_.base + geometry_.MapAt(premap))) return false;
  const MapEntry entry(core::LoadLe<uint32_t>(&word), premap);
  if (entry.zero() || entry.error() || entry.block() >= geometry_.internal_nlba) return false;
  const std::byte* block = view_.base + geometry_.BlockAt(entry.block());
  const bool copied =
      next == nullptr ? view_.copy(out.data(), block + skip, out.size())
                      : core::CopyAndFetch(view_.copy, out.data(), block + skip, out.size(), next);
  if (!copied) return false;
  std::atomic_thread_fence(std::memory_order_acquire);
  // Never equal if it was odd.
  return shard.generation.load(std::memory_order_relaxed) == (generation & ~Shard::kInPlace);
}

absl::Status Arena::Read(uint32_t premap, uint32_t skip, absl::Span<std::byte> out) {
  if (ReadDirect(premap, skip, out, nullptr)) return absl::OkStatus();
  return ReadThroughMedia(premap, skip, out);
}

// The address of the sector's current block in the mapping; null if there is none to prefetch.
const std::byte* Arena::PlaceOf(uint32_t premap) const {
  uint32_t word;
  if (!view_.usable() || !view_.load32(&word, view_.base + geometry_.MapAt(premap))) return nullptr;
  const MapEntry entry(core::LoadLe<uint32_t>(&word), premap);
  if (entry.zero() || entry.block() >= geometry_.internal_nlba) return nullptr;
  return view_.base + geometry_.BlockAt(entry.block());
}

absl::Status Arena::ReadRun(uint32_t premap, absl::Span<std::byte> out) {
  const uint32_t ahead = core::kFetchAhead / sector_size_;
  const auto end = static_cast<uint32_t>(premap + out.size() / sector_size_);
  for (; premap != end; ++premap, out.remove_prefix(sector_size_)) {
    const std::byte* next = premap + ahead < end ? PlaceOf(premap + ahead) : nullptr;
    const absl::Span<std::byte> sector = out.first(sector_size_);
    if (!ReadDirect(premap, 0, sector, next)) RETURN_IF_ERROR(ReadThroughMedia(premap, 0, sector));
  }
  return absl::OkStatus();
}

absl::Status Arena::ReadThroughMedia(uint32_t premap, uint32_t skip, absl::Span<std::byte> out) {
  const Shard& shard = shards_.Of(premap);
  for (int attempt = 0; attempt < kOptimisticReads; ++attempt) {
    const uint64_t generation = shard.generation.load(std::memory_order_acquire);
    if ((generation & Shard::kInPlace) != 0) break;
    ASSIGN_OR_RETURN(const MapEntry entry, LoadMap(premap));
    const absl::Status status = ReadOnce(premap, entry, skip, out);
    // The copy comes before the counter: if that is unchanged, the sector owned the block
    // throughout.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (shard.generation.load(std::memory_order_relaxed) != generation) continue;
    if (!status.ok() && core::ReasonOf(status) == "media.poison") MarkBad(premap, entry.raw());
    return status;
  }
  return ReadLocked(premap, skip, out);
}

absl::Status Arena::ReadLocked(uint32_t premap, uint32_t skip, absl::Span<std::byte> out) {
  absl::Status status;
  uint32_t raw = 0;
  {
    ShardMutexLock lock(shards_.Of(premap).mutex);
    ASSIGN_OR_RETURN(const MapEntry entry, LoadMap(premap));
    raw = entry.raw();
    status = ReadOnce(premap, entry, skip, out);
  }
  if (!status.ok() && core::ReasonOf(status) == "media.poison") MarkBad(premap, raw);
  return status;
}

// Sets E, unless the sector was written since its entry was read. Best effort: the read has failed
// anyway.
void Arena::MarkBad(uint32_t premap, uint32_t seen_raw) {
  if (!writable()) return;
  ShardMutexLock lock(shards_.Of(premap).mutex);
  const auto entry = LoadMap(premap);
  if (!entry.ok() || entry->raw() != seen_raw) return;
  const uint64_t at = geometry_.MapAt(premap);
  if (ns_->Store32(at, MapEntry::Error(entry->block())).ok())
    ns_->Persist(at, sizeof(uint32_t)).IgnoreError();
}

bool Arena::IsBad(uint32_t premap) const {
  const auto entry = LoadMap(premap);
  if (!entry.ok() || entry->error()) return true;
  if (entry->zero()) return false;
  return entry->block() >= geometry_.internal_nlba ||
         ns_->IsPoisoned(geometry_.BlockAt(entry->block()), sector_size_);
}

// --- Lanes ---------------------------------------------------------------------------------------

// Zeroes the free block and clears its poison. Leaves a bad unit that a neighbouring block shares:
// clearing it would hide the neighbour's loss.
absl::Status Arena::CleanFreeBlock(LaneState& lane) {
  static constexpr SectorBuffer kZeros{};
  const uint64_t start = geometry_.BlockAt(lane.free_block);
  const uint64_t end = start + geometry_.internal_lbasize;
  if (ns_->IsPoisoned(start, geometry_.internal_lbasize)) {
    const uint64_t first = core::RoundUp(start, kPoisonUnit);
    const uint64_t last = core::RoundDown(end, kPoisonUnit);
    if (first < last) RETURN_IF_ERROR(ns_->ClearPoison(first, last - first));
  }
  RETURN_IF_ERROR(ns_->WriteThrough(start, absl::MakeConstSpan(kZeros).first(sector_size_)));
  RETURN_IF_ERROR(ns_->Drain());
  if (ns_->IsPoisoned(start, geometry_.internal_lbasize))
    return core::Refusal(
        EIO, "media.poison.stuck",
        absl::StrCat("free block ", lane.free_block, " cannot be cleared of bad bytes"));
  lane.free_block_is_bad = false;
  return absl::OkStatus();
}

// False if the lane had to be taken out of service.
bool Arena::MakeUsable(HeldLane& lane) {
  if (view_.usable() && !lane->free_block_is_bad) return true;  // nothing at all is bad
  const bool bad = lane->free_block_is_bad ||
                   ns_->IsPoisoned(geometry_.BlockAt(lane->free_block), geometry_.internal_lbasize);
  const bool lost = ns_->IsPoisoned(geometry_.FlogAt(lane.index()), sizeof(FlogGroup)) ||
                    (bad && !CleanFreeBlock(*lane).ok());
  if (lost) lane.Retire();
  return !lost;
}

absl::StatusOr<HeldLane> Arena::AcquireLane() {
  while (HeldLane lane = lanes_.Acquire())
    if (MakeUsable(lane)) return lane;
  return core::Refusal(EIO, "btt.lanes.none",
                       "every lane of the arena has lost its free block or its flog group to media "
                       "errors: nothing can be written");
}

// Fills `wanted`, which is not empty, with as many lanes as it can get while waiting only for the
// first. Returns their number.
absl::StatusOr<size_t> Arena::GatherLanes(Batch wanted) {
  ASSIGN_OR_RETURN(wanted[0].lane, AcquireLane());
  size_t got = 1;
  while (got < wanted.size()) {
    HeldLane next = lanes_.TryAcquire();
    if (!next) break;
    if (MakeUsable(next)) wanted[got++].lane = std::move(next);
  }
  return got;
}

// --- Writing -------------------------------------------------------------------------------------

absl::Status Arena::Write(uint32_t premap, absl::Span<const std::byte> data) {
  PrefetchMap(premap);
  while (!data.empty()) {
    ASSIGN_OR_RETURN(const uint32_t written, data.size() == sector_size_
                                                 ? WriteBatch<1>(premap, data)
                                                 : WriteBatch<kMostBatch>(premap, data));
    premap += written;
    data.remove_prefix(uint64_t{written} * sector_size_);
  }
  return absl::OkStatus();
}

// Writes the first part of `data`, at most `kMost` sectors, and returns the number of sectors.
template <uint32_t kMost>
absl::StatusOr<uint32_t> Arena::WriteBatch(uint32_t premap, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckWritable());
  std::array<Pending, kMost> room;
  Batch batch = absl::MakeSpan(room);
  if (kMost > 1) batch = batch.first(std::min<uint64_t>(data.size() / sector_size_, kMost));
  ASSIGN_OR_RETURN(const size_t lanes, GatherLanes(batch));
  batch = batch.first(lanes);
  {
    // Lock before storing the data: taking a lock waits for stores in flight, and the first drain
    // should wait for data and flog together.
    ShardLocks locks(shards_, premap, static_cast<uint32_t>(batch.size()));
    RETURN_IF_ERROR(LoadOld(premap, batch));
    for (size_t i = 0; i < batch.size(); ++i)
      RETURN_IF_ERROR(StoreBlock(*batch[i].lane, data.subspan(i * sector_size_, sector_size_)));
    RETURN_IF_ERROR(Commit(premap, batch));
  }
  MendLanes(batch);
  return static_cast<uint32_t>(batch.size());
}

absl::Status Arena::WritePart(uint32_t premap, uint32_t skip, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckWritable());
  PrefetchMap(premap);
  Pending pending;
  Batch batch = absl::MakeSpan(&pending, 1);
  RETURN_IF_ERROR(GatherLanes(batch).status());
  {
    ShardLocks locks(shards_, premap, 1);
    RETURN_IF_ERROR(LoadOld(premap, batch));
    SectorBuffer sector;
    RETURN_IF_ERROR(ReadOnce(premap, pending.old, 0, absl::MakeSpan(sector).first(sector_size_)));
    std::memcpy(sector.data() + skip, data.data(), data.size());
    RETURN_IF_ERROR(StoreBlock(*pending.lane, absl::MakeConstSpan(sector).first(sector_size_)));
    RETURN_IF_ERROR(Commit(premap, batch));
  }
  MendLanes(batch);
  return absl::OkStatus();
}

absl::Status Arena::StoreBlock(const LaneState& lane, absl::Span<const std::byte> sector) {
  return ns_->WriteThrough(geometry_.BlockAt(lane.free_block), sector);
}

// Reads the entries to be replaced. A sector with an unusable entry ends the batch before it; if it
// is the first, the batch fails.
absl::Status Arena::LoadOld(uint32_t premap, Batch& batch) const {
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto sector = static_cast<uint32_t>(premap + i);
    const auto entry = LoadMap(sector);
    if (entry.ok() && entry->block() < geometry_.internal_nlba) {
      batch[i].old = *entry;
      continue;
    }
    if (i == 0) return entry.ok() ? OutOfRange(*entry, sector) : entry.status();
    batch = batch.first(i);
  }
  return absl::OkStatus();
}

// Publishes blocks that are stored but perhaps not yet durable. The caller has locked the shards.
absl::Status Arena::Commit(uint32_t premap, Batch batch) {
  // Overwrites the older slot of each pair without making it newer: may share the data's drain.
  RETURN_IF_ERROR(LogFirstHalves(premap, batch));
  RETURN_IF_ERROR(ns_->Drain());
  // From here on, recovery may publish the new blocks. After an error it is unknown whether it
  // will, so no lane may be used again.
  absl::Status status = LogSecondHalves(batch);
  // Flog before map. If the map came first, a cut in between would leave the map and the lane's
  // free block naming the same block, and the next write through this lane would overwrite live
  // data.
  if (status.ok()) status = ns_->Drain();
  if (status.ok()) status = SwitchMap(premap, batch);
  // Durable before the shards and the lanes are free: recovery looks at newest entries only, and
  // does not follow chains of them.
  if (status.ok()) status = ns_->Drain();
  if (!status.ok()) return Freeze(status);
  TurnLanes(batch);
  return absl::OkStatus();
}

uint64_t Arena::SlotAt(const HeldLane& lane) const {
  return geometry_.FlogAt(lane.index()) + pair_[lane->position] * sizeof(FlogEntry);
}

absl::Status Arena::LogFirstHalves(uint32_t premap, Batch batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const uint64_t at = SlotAt(batch[i].lane);
    const uint32_t old_map = batch[i].old.block() | (batch[i].old.error() ? kMapE : 0);
    RETURN_IF_ERROR(ns_->StoreThrough64(at, (premap + i) | uint64_t{old_map} << 32));
  }
  return absl::OkStatus();
}

absl::Status Arena::LogSecondHalves(Batch batch) {
  for (const Pending& pending : batch) {
    const uint64_t at = SlotAt(pending.lane) + offsetof(FlogEntry, new_map);
    const LaneState& lane = *pending.lane;
    RETURN_IF_ERROR(ns_->StoreThrough64(at, lane.free_block | uint64_t{lane.seq} << 32));
  }
  return absl::OkStatus();
}

absl::Status Arena::SwitchMap(uint32_t premap, Batch batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto sector = static_cast<uint32_t>(premap + i);
    const uint32_t entry = MapEntry::Normal(batch[i].lane->free_block);
    RETURN_IF_ERROR(ns_->StoreThrough32(geometry_.MapAt(sector), entry));
    // The entry first, the counter after: shards.h.
    const bool line_ends = (sector + 1) % ShardTable::kEntriesPerLine == 0;
    if (line_ends || i + 1 == batch.size()) shards_.Of(sector).Bump();
  }
  return absl::OkStatus();
}

// Each lane now owns the block that its sector had before.
void Arena::TurnLanes(Batch batch) {
  for (Pending& pending : batch) {
    LaneState& lane = *pending.lane;
    lane.free_block = pending.old.block();
    lane.free_block_is_bad = pending.old.error();
    lane.seq = NextSeq(lane.seq);
    lane.position ^= 1;
  }
}

// Cleans the bad blocks that a write gave up, so that no later write has to wait for that.
void Arena::MendLanes(Batch batch) {
  for (Pending& pending : batch)
    if (pending.lane->free_block_is_bad && !CleanFreeBlock(*pending.lane).ok())
      pending.lane.Retire();
}

absl::Status Arena::Freeze(const absl::Status& cause) {
  const bool was_frozen = frozen_.exchange(true, std::memory_order_acq_rel);
  const absl::Status refused =
      core::Annotate(cause, "writing BTT metadata failed; the arena is now read-only");
  if (!was_frozen) core::ReportRefusal(core::Event::kArenaReadOnly, name_, refused);
  return refused;
}

// --- Zeros ---------------------------------------------------------------------------------------

absl::Status Arena::SetZero(uint32_t premap, uint32_t count) {
  while (count > 0) {
    RETURN_IF_ERROR(CheckWritable());
    const uint32_t chunk = std::min(count, ShardLocks::kMostSectors);
    RETURN_IF_ERROR(ZeroUnderLock(premap, chunk));
    premap += chunk;
    count -= chunk;
  }
  return absl::OkStatus();
}

// The number of sectors, from `premap` on and at most `most`, that are in consecutive blocks. At
// least 1.
uint32_t Arena::RunFrom(uint32_t premap, MapEntry first, uint32_t most) const {
  uint32_t run = 1;
  for (; run < most; ++run) {
    const auto next = LoadMap(premap + run);
    if (!next.ok() || next->zero() || next->error() || next->block() != first.block() + run) break;
  }
  return run;
}

bool Arena::HoldsZeros(uint32_t premap, uint32_t count) const {
  if (!writable()) return false;  // the write must be refused
  std::array<std::byte, 16 * sizeof(SectorBuffer)> room;
  const uint32_t fits = static_cast<uint32_t>(room.size()) / geometry_.internal_lbasize;
  for (const uint32_t end = premap + count; premap < end;) {
    const auto entry = LoadMap(premap);
    if (!entry.ok()) return false;
    if (entry->zero()) {
      ++premap;
      continue;
    }
    const uint32_t run = RunFrom(premap, *entry, std::min(end - premap, fits));
    if (entry->error() || entry->block() >= geometry_.internal_nlba ||
        run > geometry_.internal_nlba - entry->block())
      return false;
    const auto blocks = absl::MakeSpan(room).first(uint64_t{run} * geometry_.internal_lbasize);
    if (!ns_->Peek(geometry_.BlockAt(entry->block()), blocks).ok()) return false;
    for (uint32_t i = 0; i < run; ++i) {
      const auto sector = blocks.subspan(uint64_t{i} * geometry_.internal_lbasize, sector_size_);
      if (std::any_of(sector.begin(), sector.end(), [](std::byte b) { return b != std::byte{0}; }))
        return false;
    }
    premap += run;
  }
  return true;
}

absl::Status Arena::ZeroUnderLock(uint32_t premap, uint32_t count) {
  ShardLocks locks(shards_, premap, count);
  for (uint32_t sector = premap; sector - premap < count; ++sector) {
    ASSIGN_OR_RETURN(const MapEntry entry, LoadMap(sector));
    if (entry.block() >= geometry_.internal_nlba) return OutOfRange(entry, sector);
    if (entry.zero()) continue;
    RETURN_IF_ERROR(ns_->Store32(geometry_.MapAt(sector), MapEntry::Zero(entry.block())));
  }
  return ns_->Persist(geometry_.MapAt(premap), uint64_t{count} * sizeof(uint32_t));
}

}  // namespace nvdimmfs::btt
