// SPDX-License-Identifier: Apache-2.0
#include "btt/info_block.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "btt/map_entry.h"
#include "core/base/fletcher64.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

// More lanes than any writer uses, but few enough to hold in memory.
constexpr uint32_t kMostLanes = 1 << 16;

absl::Status CheckSizes(const InfoBlock& info) {
  if (!IsExternalSize(info.external_lbasize))
    return core::Refusal(EIO, "btt.info.lbasize",
                         absl::StrCat("external_lbasize ", uint32_t{info.external_lbasize},
                                      " is not one of 512 520 528 4096 4104 4160 4224"));
  if (info.internal_lbasize < info.external_lbasize || info.internal_lbasize > 2 * kInfoSize ||
      info.internal_lbasize % 8 != 0)
    return core::Refusal(
        EIO, "btt.info.lbasize",
        absl::StrCat("internal_lbasize ", uint32_t{info.internal_lbasize},
                     " does not match external_lbasize ", uint32_t{info.external_lbasize}));
  if (info.nfree < kLanes)
    return core::Refusal(ENODEV, "btt.info.nfree",
                         absl::StrCat("nfree ", uint32_t{info.nfree}, " is below the ", kLanes,
                                      " lanes of a region: a lane would have no free block"));
  if (info.nfree > kMostLanes)
    return core::Refusal(EIO, "btt.info.nfree",
                         absl::StrCat("nfree ", uint32_t{info.nfree}, " is implausibly large"));
  if (info.external_nlba == 0 || info.internal_nlba > kMapBlockMask ||
      uint64_t{info.external_nlba} + info.nfree != info.internal_nlba)
    return core::Refusal(
        EIO, "btt.info.nlba",
        absl::StrCat("internal_nlba ", uint32_t{info.internal_nlba}, " is not external_nlba ",
                     uint32_t{info.external_nlba}, " + nfree ", uint32_t{info.nfree}));
  return absl::OkStatus();
}

bool Aligned(const InfoBlock& info) {
  return (info.dataoff | info.mapoff | info.logoff | info.info2off | info.nextoff) % kBlockAlign ==
         0;
}

// Whether `length` bytes at `offset` end at or before `limit`.
bool EndsBy(uint64_t offset, uint64_t length, uint64_t limit) {
  const auto end = core::CheckedAdd(offset, length);
  return end && *end <= limit;
}

// The parts in order; CheckSizes has bounded every product.
absl::Status CheckLayout(const InfoBlock& info, uint64_t remaining) {
  const uint64_t data = uint64_t{info.internal_nlba} * info.internal_lbasize;
  const uint64_t map = uint64_t{info.external_nlba} * 4;
  const uint64_t log = uint64_t{info.nfree} * sizeof(FlogGroup);
  if (info.infosize == kInfoSize && Aligned(info) && info.dataoff >= kInfoSize &&
      EndsBy(info.dataoff, data, info.mapoff) && EndsBy(info.mapoff, map, info.logoff) &&
      EndsBy(info.logoff, log, info.info2off) && EndsBy(info.info2off, kInfoSize, remaining) &&
      info.info2off + kInfoSize <= kMaxArena)
    return absl::OkStatus();
  return core::Refusal(EIO, "btt.info.layout",
                       absl::StrCat("the parts do not follow each other within the ", remaining,
                                    " bytes of the arena: ", ToString(info)));
}

absl::Status CheckNext(const InfoBlock& info, uint64_t remaining) {
  const uint64_t next = info.nextoff;
  if (next == 0) return absl::OkStatus();
  if (next >= kMinArena && next <= kMaxArena && next >= info.info2off + kInfoSize &&
      EndsBy(next, kInfoSize, remaining))
    return absl::OkStatus();
  return core::Refusal(
      EIO, "btt.info.nextoff",
      absl::StrCat("nextoff 0x", absl::Hex(next), " is not the start of another arena within ",
                   remaining, " bytes"));
}

}  // namespace

absl::StatusOr<InfoBlock> LoadInfo(const core::Media& ns, uint64_t at) {
  InfoBlock info;
  RETURN_IF_ERROR(ns.Peek(at, absl::MakeSpan(reinterpret_cast<std::byte*>(&info), sizeof info)));
  return info;
}

absl::Status CheckInfo(const InfoBlock& info, const core::Uuid& parent_uuid) {
  if (info.signature != kSignature)
    return core::Refusal(ENODEV, "btt.info.signature", "no BTT_ARENA_INFO signature");
  const core::Uuid parent = ParentOf(info);
  if (!parent.is_nil() && parent != parent_uuid)
    return core::Refusal(ENODEV, "btt.info.parent",
                         absl::StrCat("parent uuid ", parent.ToString(),
                                      " is not that of the namespace, ", parent_uuid.ToString()));
  if (info.checksum != ChecksumOf(info))
    return core::Refusal(ENODEV, "btt.info.checksum",
                         absl::StrCat("stored checksum 0x", absl::Hex(uint64_t{info.checksum}),
                                      ", computed 0x", absl::Hex(ChecksumOf(info))));
  return absl::OkStatus();
}

absl::Status CheckVersion(const InfoBlock& info, Version version) {
  if (info.version_major == MajorOf(version) && info.version_minor == MinorOf(version))
    return absl::OkStatus();
  return core::Refusal(
      ENODEV, "btt.info.version",
      absl::StrCat("version ", uint16_t{info.version_major}, ".", uint16_t{info.version_minor},
                   ", wanted ", MajorOf(version), ".", MinorOf(version)));
}

absl::StatusOr<ArenaGeometry> ParseArena(const InfoBlock& info, uint64_t start,
                                         uint64_t remaining) {
  RETURN_IF_ERROR(CheckSizes(info));
  RETURN_IF_ERROR(CheckLayout(info, remaining));
  RETURN_IF_ERROR(CheckNext(info, remaining));
  ArenaGeometry arena;
  arena.start = start;
  arena.size = info.nextoff != 0 ? uint64_t{info.nextoff} : info.info2off + kInfoSize;
  arena.external_lbasize = info.external_lbasize;
  arena.internal_lbasize = info.internal_lbasize;
  arena.external_nlba = info.external_nlba;
  arena.internal_nlba = info.internal_nlba;
  arena.nfree = info.nfree;
  arena.nextoff = info.nextoff;
  arena.dataoff = info.dataoff;
  arena.mapoff = info.mapoff;
  arena.logoff = info.logoff;
  arena.info2off = info.info2off;
  return arena;
}

InfoBlock MakeInfo(const ArenaGeometry& arena, const core::Uuid& uuid,
                   const core::Uuid& parent_uuid, Version version) {
  InfoBlock info{};
  info.signature = kSignature;
  info.uuid = uuid.bytes();
  info.parent_uuid = parent_uuid.bytes();
  info.version_major = MajorOf(version);
  info.version_minor = MinorOf(version);
  info.external_lbasize = arena.external_lbasize;
  info.external_nlba = arena.external_nlba;
  info.internal_lbasize = arena.internal_lbasize;
  info.internal_nlba = arena.internal_nlba;
  info.nfree = arena.nfree;
  info.infosize = static_cast<uint32_t>(kInfoSize);
  info.nextoff = arena.nextoff;
  info.dataoff = arena.dataoff;
  info.mapoff = arena.mapoff;
  info.logoff = arena.logoff;
  info.info2off = arena.info2off;
  Seal(info);
  return info;
}

void Seal(InfoBlock& info) { info.checksum = ChecksumOf(info); }

uint64_t ChecksumOf(const InfoBlock& info) {
  return core::Fletcher64(BytesOf(info), offsetof(InfoBlock, checksum));
}

core::Uuid UuidOf(const InfoBlock& info) { return core::Uuid(info.uuid); }
core::Uuid ParentOf(const InfoBlock& info) { return core::Uuid(info.parent_uuid); }

absl::Span<const std::byte> BytesOf(const InfoBlock& info) {
  return {reinterpret_cast<const std::byte*>(&info), sizeof info};
}

std::string ToString(const InfoBlock& info) {
  return absl::StrCat(
      "btt ", UuidOf(info).ToString(), " parent ", ParentOf(info).ToString(), " v",
      uint16_t{info.version_major}, ".", uint16_t{info.version_minor}, " flags 0x",
      absl::Hex(uint32_t{info.flags}), " external ", uint32_t{info.external_nlba}, "*",
      uint32_t{info.external_lbasize}, " internal ", uint32_t{info.internal_nlba}, "*",
      uint32_t{info.internal_lbasize}, " nfree ", uint32_t{info.nfree}, " infosize ",
      uint32_t{info.infosize}, " next 0x", absl::Hex(uint64_t{info.nextoff}), " data 0x",
      absl::Hex(uint64_t{info.dataoff}), " map 0x", absl::Hex(uint64_t{info.mapoff}), " flog 0x",
      absl::Hex(uint64_t{info.logoff}), " info2 0x", absl::Hex(uint64_t{info.info2off}));
}

}  // namespace nvdimmfs::btt
