// SPDX-License-Identifier: Apache-2.0
#include "btt/formatter.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "btt/flog.h"
#include "btt/info_block.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kZeroChunk = uint64_t{2} << 20;
// From this size on, punching a hole is cheaper than storing zeros.
constexpr uint64_t kPunchFrom = uint64_t{64} << 10;

absl::Status StoreClearing(core::Media& ns, uint64_t offset, absl::Span<const std::byte> data) {
  if (ns.IsPoisoned(offset, data.size())) RETURN_IF_ERROR(ns.ClearPoison(offset, data.size()));
  return ns.WriteThrough(offset, data);
}

absl::Status StoreInfo(core::Media& ns, uint64_t at, const InfoBlock& info) {
  RETURN_IF_ERROR(StoreClearing(ns, at, BytesOf(info)));
  return ns.Drain();
}

// Old info blocks and copies go first: a cut below must not leave one that makes the remains look
// valid.
absl::Status EraseInfo(core::Media& ns, absl::Span<const ArenaGeometry> arenas) {
  const InfoBlock blank{};
  for (const ArenaGeometry& arena : arenas) {
    RETURN_IF_ERROR(StoreClearing(ns, arena.start, BytesOf(blank)));
    RETURN_IF_ERROR(StoreClearing(ns, arena.Info2At(), BytesOf(blank)));
  }
  return ns.Drain();
}

absl::Status StoreInitialFlog(core::Media& ns, const ArenaGeometry& arena) {
  RETURN_IF_ERROR(ZeroRange(ns, arena.start + arena.logoff, arena.info2off - arena.logoff));
  std::vector<FlogGroup> groups;
  for (uint32_t lane = 0; lane < arena.nfree; ++lane)
    groups.push_back(InitialGroup(lane, arena.external_nlba));
  return ns.WriteThrough(arena.FlogAt(0),
                         absl::MakeConstSpan(reinterpret_cast<const std::byte*>(groups.data()),
                                             groups.size() * sizeof(FlogGroup)));
}

}  // namespace

absl::Status ZeroRange(core::Media& ns, uint64_t offset, uint64_t length) {
  if (ns.IsPoisoned(offset, length)) RETURN_IF_ERROR(ns.ClearPoison(offset, length));
  if (length >= kPunchFrom) {
    const absl::Status punched = ns.Punch(offset, length);
    if (punched.ok() || core::ErrnoOf(punched) != EOPNOTSUPP) return punched;
  }
  const std::vector<std::byte> zeros(std::min(length, kZeroChunk));
  while (length > 0) {
    const uint64_t chunk = std::min<uint64_t>(length, zeros.size());
    RETURN_IF_ERROR(ns.WriteThrough(offset, absl::MakeConstSpan(zeros).first(chunk)));
    offset += chunk;
    length -= chunk;
  }
  return absl::OkStatus();
}

absl::Status FormatArenas(core::Media& ns, absl::Span<const ArenaGeometry> arenas,
                          const core::Uuid& uuid, const core::Uuid& parent_uuid, Version version) {
  RETURN_IF_ERROR(EraseInfo(ns, arenas));
  for (const ArenaGeometry& arena : arenas) {
    RETURN_IF_ERROR(ZeroRange(ns, arena.start + arena.mapoff, arena.logoff - arena.mapoff));
    RETURN_IF_ERROR(StoreInitialFlog(ns, arena));
  }
  RETURN_IF_ERROR(ns.Drain());
  RETURN_IF_ERROR(ns.Flush());  // holes are the file system's

  // Last arena first, copies first. Arena 0's info block, the last store, commits; a valid copy in
  // arena 0 means that every arena after it is complete.
  auto info_of = [&](const ArenaGeometry& arena) {
    return MakeInfo(arena, uuid, parent_uuid, version);
  };
  for (auto arena = arenas.rbegin(); arena != arenas.rend(); ++arena)
    RETURN_IF_ERROR(StoreInfo(ns, arena->Info2At(), info_of(*arena)));
  for (auto arena = arenas.rbegin(); arena != arenas.rend(); ++arena)
    RETURN_IF_ERROR(StoreInfo(ns, arena->start, info_of(*arena)));
  return ns.Flush();
}

}  // namespace nvdimmfs::btt
