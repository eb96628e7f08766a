// SPDX-License-Identifier: Apache-2.0
#include "core/sources/cxl_regions.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"

namespace nvdimmfs::core {
namespace {

// A region label and its location.
struct Part {
  size_t dimm = 0;
  uint64_t offset = 0;  // of the label, from the start of the device's label file
  RegionLabel label;
};

// The parts of one region, in order of position.
struct Group {
  Uuid uuid;
  std::vector<Part> parts;
};

void Collect(size_t index, const DimmSource& dimm, std::vector<Group>& groups) {
  if (dimm.labels == nullptr || dimm.missing) return;
  const auto area = LabelArea::Open(dimm.labels, *dimm.new_labels);
  if (!area.ok()) return;
  for (const StoredRegionLabel& stored : area->region_labels()) {
    const Uuid& uuid = stored.label.uuid;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return known.uuid == uuid; });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{uuid, {}});
    group->parts.push_back(
        {index, dimm.label_offset + area->slot_offset(stored.slot), stored.label});
  }
}

// "" if the parts form a complete region; else what is wrong.
std::string WhyIncomplete(absl::Span<const DimmSource> dimms, const Group& group) {
  const RegionLabel& first = group.parts[0].label;
  for (size_t i = 0; i < group.parts.size(); ++i) {
    const RegionLabel& label = group.parts[i].label;
    if (label.ways != first.ways || label.granularity != first.granularity ||
        label.hpa != first.hpa || label.rawsize != first.rawsize)
      return "its labels disagree about ways, granularity, address or size";
    if (label.rawsize == 0 ||
        !Fits(label.dpa, label.rawsize, dimms[group.parts[i].dimm].capacity->size()))
      return absl::StrCat("it reaches past the end of ", dimms[group.parts[i].dimm].description);
    if (label.position > i) return absl::StrCat("no device has its position ", i);
    if (label.position < i) return absl::StrCat("two devices have its position ", label.position);
  }
  if (group.parts.size() < first.ways)
    return absl::StrCat("no device has its position ", group.parts.size());
  return "";
}

absl::StatusOr<RegionSource> RegionOf(absl::Span<const DimmSource> dimms, const Group& group) {
  const RegionLabel& first = group.parts[0].label;
  RegionSource region;
  for (size_t i = 0; i < group.parts.size(); ++i) {
    const Part& part = group.parts[i];
    region.mappings.push_back({.dimm = part.dimm,
                               .dpa = {part.label.dpa, part.label.rawsize},
                               .region_offset = i * first.granularity});
    region.read_only = region.read_only || dimms[part.dimm].read_only;
  }
  region.granularity = first.granularity;
  region.uuid = group.uuid;
  ASSIGN_OR_RETURN(region.media, StripeMappings(dimms, region.mappings, first.granularity));
  region.spa = {first.hpa, region.media->size()};
  region.persistence_domain = PersistenceDomain::kMemoryController;
  return region;
}

}  // namespace

CxlRegions AssembleCxlRegions(std::vector<DimmSource>& dimms, absl::Span<const size_t> candidates) {
  std::vector<Group> groups;
  for (const size_t index : candidates) Collect(index, dimms[index], groups);
  CxlRegions assembled;
  for (Group& group : groups) {
    std::stable_sort(group.parts.begin(), group.parts.end(), [](const Part& a, const Part& b) {
      return a.label.position < b.label.position;
    });
    for (const Part& part : group.parts) assembled.spoken_for.push_back(part.dimm);
    std::string why = WhyIncomplete(dimms, group);
    if (why.empty()) {
      absl::StatusOr<RegionSource> region = RegionOf(dimms, group);
      if (region.ok()) {
        assembled.regions.push_back(*std::move(region));
        continue;
      }
      why = std::string(region.status().message());
    }
    for (const Part& part : group.parts)
      dimms[part.dimm].findings.push_back(
          {.reason = "label.region.incomplete",
           .offset = part.offset,
           .sentence = absl::StrCat(
               "region ", group.uuid.ToString(), " of ", group.parts[0].label.ways,
               " devices is not shown: ", why,
               "; add what is missing, or describe the region yourself ([[bus.region]])")});
  }
  std::sort(assembled.spoken_for.begin(), assembled.spoken_for.end());
  assembled.spoken_for.erase(std::unique(assembled.spoken_for.begin(), assembled.spoken_for.end()),
                             assembled.spoken_for.end());
  return assembled;
}

}  // namespace nvdimmfs::core
