// SPDX-License-Identifier: Apache-2.0
// Hostile label areas: whatever the bytes, reading them ends, stays in bounds, and what was
// accepted can be scanned, updated and read again to the same effect.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "core/labels/dpa_space.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/labels/label_repair.h"
#include "core/labels/namespace_scan.h"
#include "core/media/memory_media.h"
#include "core/testing/reseal.h"

namespace nvdimmfs::core {
namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

bool SameLabels(const LabelArea& a, const LabelArea& b) {
  if (a.labels().size() != b.labels().size()) return false;
  for (size_t i = 0; i < a.labels().size(); ++i) {
    if (a.labels()[i].slot != b.labels()[i].slot) return false;
    if (a.labels()[i].label != b.labels()[i].label) return false;
  }
  if (a.region_labels().size() != b.region_labels().size()) return false;
  for (size_t i = 0; i < a.region_labels().size(); ++i)
    if (a.region_labels()[i].label != b.region_labels()[i].label) return false;
  return &a.version() == &b.version() && a.free_slots() == b.free_slots() &&
         a.current() == b.current();
}

void ScanIt(const LabelArea& area) {
  DpaSpace space;
  for (const StoredLabel& stored : area.labels())
    (void)space.Reserve({Range{stored.label.dpa, stored.label.rawsize}, stored.label.uuid});
  const Range window{0, 256 << 20};
  (void)space.Available(window, 4096);
  (void)space.LargestGap(window, 4096);
  ScanRegion region;
  region.name = "region0";
  region.cookie = area.labels().empty() ? 1 : area.labels()[0].label.isetcookie;
  region.type_guid = kPmemRangeGuid;
  region.mappings = {{"nmem0", window, &area, &space}, {"nmem1", window, &area, &space}};
  (void)ScanNamespaces(region);
  region.mappings.pop_back();
  (void)ScanNamespaces(region);
}

void Exercise(const std::shared_ptr<MemoryMedia>& media, const LabelVersion& expected) {
  auto area = LabelArea::Open(media, expected);
  if (!area.ok()) return;
  Demand(area->has_index() == HasLabelIndex(*media));
  for (const StoredLabel& stored : area->labels()) {
    Demand(stored.slot < area->slot_count());
    Demand(area->slot_offset(stored.slot) + area->label_size() <= media->size());
  }
  ScanIt(*area);
  std::vector<uint32_t> frees;
  if (!area->labels().empty()) frees.push_back(area->labels()[0].slot);
  NamespaceLabel label;
  label.name = "fuzz";
  const bool room = area->CheckWritable().ok() && area->free_slots() > 0;
  Demand(area->Update(label, frees).ok() == room);
  if (room) Demand(SameLabels(*area, *LabelArea::Open(media, area->version())));
  RegionLabel region;
  const bool region_room = area->version().has_region_labels() && room && area->free_slots() > 0;
  Demand(area->UpdateRegion(region, {}).ok() == region_room);
  if (region_room) Demand(SameLabels(*area, *LabelArea::Open(media)));
  for (const LabelVersion* version : {&LabelV2_1(), &LabelV1_2()}) {
    if (area->verdict() != LabelVerdict::kBlank) Demand(!area->Initialise(*version).ok());
    if (!area->InitialiseOver(*version).ok()) return;
    Demand(LabelArea::Open(media)->labels().empty());
  }
}

// What a repair leaves, a second one leaves alone.
void Mend(const MemoryMedia& damaged, const LabelVersion& expected) {
  auto media = std::make_shared<MemoryMedia>(damaged.size());
  Demand(damaged.Read(0, media->bytes()).ok());
  const LabelRepairOptions options{
      .capacity = 256 << 20, .expected = &expected, .elsewhere = {}, .source = {}, .save = nullptr};
  if (!RepairLabelArea(media, options).ok()) return;
  const auto first = RepairLabelArea(media, options);
  Demand(first.ok() && first->mended.empty());
}

void Try(absl::Span<const uint8_t> input, uint64_t area_size, uint32_t reseal) {
  auto media = std::make_shared<MemoryMedia>(area_size);
  const size_t used = std::min<size_t>(input.size(), area_size);
  if (used > 0) std::memcpy(media->bytes().data(), input.data(), used);
  if (reseal != 0) ResealLabels(media->bytes(), reseal, used);
  const LabelVersion& expected = reseal == 256 ? LabelV2_1() : LabelV1_2();
  if (area_size == input.size()) Mend(*media, expected);  // the large ones take long
  Exercise(media, expected);
}

}  // namespace
}  // namespace nvdimmfs::core

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nvdimmfs::core::Try;
  for (uint64_t area_size : {uint64_t{size}, uint64_t{131072}, uint64_t{1048576}}) {
    for (uint32_t reseal : {0u, 128u, 256u}) Try({data, size}, area_size, reseal);
  }
  return 0;
}
