// SPDX-License-Identifier: Apache-2.0
#include "core/sources/bus_source.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/media/media_slice.h"
#include "core/media/striped_media.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::core {

absl::StatusOr<std::shared_ptr<Media>> StripeMappings(absl::Span<const DimmSource> dimms,
                                                      absl::Span<const MappingSource> mappings,
                                                      uint64_t granularity) {
  std::vector<MappingSource> ordered(mappings.begin(), mappings.end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const MappingSource& a, const MappingSource& b) {
                     return a.region_offset < b.region_offset;
                   });
  std::vector<StripedMedia::Member> members;
  for (const MappingSource& mapping : ordered) {
    if (mapping.dimm >= dimms.size())
      return Refusal(EINVAL, "bus.source", "a mapping names a DIMM that the bus does not have");
    const DimmSource& dimm = dimms[mapping.dimm];
    const auto window = MediaSlice::Make(dimm.capacity, mapping.dpa);
    if (!window.ok())
      return Refusal(EINVAL, "bus.source",
                     absl::StrCat(dimm.description, ": a mapping of ", mapping.dpa.size,
                                  " bytes at DPA ", mapping.dpa.start, " does not fit in its ",
                                  dimm.capacity->size(), " bytes"));
    members.push_back({dimm.missing ? nullptr : *window, dimm.description});
  }
  if (members.size() == 1 && members[0].media != nullptr) return members[0].media;
  return StripedMedia::Make(std::move(members), granularity,
                            ordered.empty() ? 0 : ordered[0].dpa.size);
}

BusSource QemuBus(std::vector<DimmSource> dimms) {
  BusSource bus;
  bus.dimms = std::move(dimms);
  uint64_t address = kFirstRegionAddress;
  for (size_t i = 0; i < bus.dimms.size(); ++i) {
    const DimmSource& dimm = bus.dimms[i];
    RegionSource region;
    region.spa = {address, dimm.capacity->size()};
    region.mappings = {{.dimm = i, .dpa = {0, dimm.capacity->size()}}};
    region.media = dimm.capacity;
    region.range_index = static_cast<int>(i + 1) * 2;
    region.read_only = dimm.read_only;
    region.type_guid = kPmemRangeGuid;
    address = RoundUp(region.spa.end(), kRegionAddressAlign);
    bus.regions.push_back(std::move(region));
  }
  return bus;
}

}  // namespace nvdimmfs::core
