// SPDX-License-Identifier: Apache-2.0
#include "btt/map_vet.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "btt/btt_format.h"
#include "core/base/endian.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint32_t kEntriesPerChunk = 1 << 16;

}  // namespace

void MapVet::Read(uint32_t first, uint32_t count) {
  std::vector<std::byte> bytes(size_t{std::min(count, kEntriesPerChunk)} * 4);
  while (count > 0) {
    const uint32_t some = std::min(count, kEntriesPerChunk);
    if (ns_.Peek(arena_.MapAt(first), absl::MakeSpan(bytes).first(size_t{some} * 4)).ok())
      for (uint32_t i = 0; i < some; ++i)
        Judge(MapEntry(core::LoadLe<uint32_t>(bytes.data() + size_t{i} * 4), first + i), first + i);
    first += some;
    count -= some;
  }
}

void MapVet::Judge(MapEntry entry, uint32_t premap) {
  if (entry.initial() && entry.raw() != 0) odd_.Add(premap);
  if (entry.zero()) zero_.Add(premap);
  if (entry.block() >= arena_.internal_nlba) out_of_range_.Add(premap);
}

// The map ends at a page, and formatting zeroes all of it.
bool MapVet::PaddingIsZero() const {
  const uint64_t end = arena_.mapoff + uint64_t{arena_.external_nlba} * 4;
  std::vector<std::byte> rest(std::min(kBlockAlign, arena_.logoff - end));
  if (!ns_.Peek(arena_.start + end, absl::MakeSpan(rest)).ok()) return true;
  return std::all_of(rest.begin(), rest.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::vector<core::Finding> MapVet::Finish(bool ranges) {
  std::vector<core::Finding> findings;
  const auto report = [&](const char* reason, const Tally& tally, const char* which) {
    if (tally.count != 0)
      findings.push_back(
          {reason, arena_.MapAt(tally.first),
           absl::StrCat("sectors ", which, ": ", tally.count, "; the first is ", tally.first)});
  };
  report("btt.map.odd", odd_, "marked as never written, but with a block");
  // Kernels read whole pages of smaller sectors at once.
  if (SectorSizeOf(arena_.external_lbasize) < 4096)
    report("btt.map.zero", zero_, "of less than 4096 bytes that are marked as zeros");
  if (ranges) report("btt.map.range", out_of_range_, "with a block outside the arena");
  if (!PaddingIsZero())
    findings.push_back({"btt.map.padding", arena_.MapAt(0) + uint64_t{arena_.external_nlba} * 4,
                        "the bytes after the map are not zero"});
  return findings;
}

}  // namespace nvdimmfs::btt
