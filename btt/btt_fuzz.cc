// SPDX-License-Identifier: Apache-2.0
// Hostile BTTs: whatever the info blocks, the map and the flog say, opening, checking, using and
// repairing end, stay inside the media, and a repair that succeeds leaves nothing but marked
// sectors.
//
// The input is a list of patches to a sound BTT: a byte that names the part, two of offset, one of
// length, then the bytes. Patched info blocks get a correct checksum, so that everything after that
// check is reached.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "btt/info_block.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kSize = kMinArena + 4096;

void Demand(bool condition) {
  if (!condition) std::abort();
}

// Refusals are welcome; an access outside the media is a check forgotten.
void DemandInside(const absl::Status& status) { Demand(core::ReasonOf(status) != "media.range"); }

std::shared_ptr<core::MemoryMedia> Sound(ArenaGeometry& arena) {
  auto media = std::make_shared<core::MemoryMedia>(kSize);
  auto btt = Btt::OpenOrFormat(media, {.external_lbasize = 4096}, false);
  Demand(btt.ok());
  const std::array<std::byte, 4096> data{};
  for (uint64_t lba = 0; lba < 4; ++lba) Demand((*btt)->Write(lba * 4096, data).ok());
  arena = (*btt)->arenas()[0]->geometry();
  return media;
}

void Patch(core::MemoryMedia& media, const ArenaGeometry& arena, absl::Span<const uint8_t> input) {
  const uint64_t parts[] = {arena.start, arena.Info2At(), arena.MapAt(0), arena.FlogAt(0)};
  while (input.size() >= 4) {
    const uint64_t part = parts[input[0] % 4];
    const uint64_t at = std::min(part + core::LoadLe<uint16_t>(input.data() + 1) % 16384, kSize);
    const size_t length = std::min<size_t>({input[3], input.size() - 4, kSize - at});
    std::memcpy(media.bytes().data() + at, input.data() + 4, length);
    input.remove_prefix(4 + std::min<size_t>(input[3], input.size() - 4));
  }
  for (const uint64_t at : {arena.start, arena.Info2At()}) {
    InfoBlock info = *LoadInfo(media, at);
    Seal(info);
    Demand(media.Write(at, BytesOf(info)).ok());
  }
}

void Use(Btt& btt) {
  std::vector<std::byte> data(3 * 4096 + 100);
  const uint64_t room = btt.size() - std::min<uint64_t>(btt.size(), data.size());
  for (const uint64_t offset : {uint64_t{0}, uint64_t{5 * 4096 + 7}, room}) {
    if (offset > room) continue;
    DemandInside(btt.Read(offset, absl::MakeSpan(data)));
    DemandInside(btt.Write(offset, data));
    DemandInside(btt.Discard(offset, data.size()));
  }
}

void OpenAndUse(const std::shared_ptr<core::MemoryMedia>& media, bool read_only) {
  for (const Version version : {Version::kV1_1, Version::kV2_0}) {
    auto btt = Btt::Open(media, version, core::Uuid(), read_only);
    DemandInside(btt.status());
    if (btt.ok()) Use(**btt);
  }
}

void RepairAndUse(const std::shared_ptr<core::MemoryMedia>& media) {
  const auto keep = [](uint64_t, absl::Span<const std::byte>) { return absl::OkStatus(); };
  const auto report = Repair(*media, Version::kV1_1, core::Uuid(), keep);
  DemandInside(report.status());
  if (!report.ok()) return;
  for (const core::Finding& finding : report->left)
    Demand(finding.reason == "btt.map.error" || finding.reason.starts_with("btt.info."));
  OpenAndUse(media, false);
}

}  // namespace
}  // namespace nvdimmfs::btt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nvdimmfs::btt;
  ArenaGeometry arena;
  auto media = Sound(arena);
  Patch(*media, arena, {data, size});
  (void)Check(*media, Version::kV1_1, nvdimmfs::core::Uuid());
  OpenAndUse(media, true);
  // A sound one stays sound under use.
  const bool sound = Check(*media, Version::kV1_1, nvdimmfs::core::Uuid()).empty();
  OpenAndUse(media, false);
  if (sound) Demand(Check(*media, Version::kV1_1, nvdimmfs::core::Uuid()).empty());
  RepairAndUse(media);
  return 0;
}
