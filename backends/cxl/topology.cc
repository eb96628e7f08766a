// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/topology.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/striped_media.h"

namespace nvdimmfs::backends::cxl {
namespace {

absl::Status BadRegion(const SysfsFolder& region, absl::string_view why) {
  return core::Refusal(EIO, "cxl.region", absl::StrCat(region.path(), ": ", why));
}

// Nothing unless the target is persistent capacity.
absl::StatusOr<std::optional<Target>> ReadTarget(const SysfsFolder& devices,
                                                 const SysfsFolder& region, uint64_t position) {
  const std::string attribute = absl::StrCat("target", position);
  const auto decoder_name = region.Text(attribute);
  const auto decoder =
      decoder_name && !decoder_name->empty() ? devices.Follow(*decoder_name) : std::nullopt;
  if (!decoder) return BadRegion(region, absl::StrCat(attribute, " does not name a decoder"));
  if (decoder->Text("mode").value_or("") != "pmem") return std::nullopt;
  // The decoder's directory is in that of its endpoint, which links to the device.
  const auto memdev = decoder->Follow("../uport");
  const auto start = decoder->Number("dpa_resource");
  const auto size = decoder->Number("dpa_size");
  const auto dpa = start && size ? core::MakeRange(*start, *size) : std::nullopt;
  if (!memdev) return BadRegion(region, absl::StrCat(*decoder_name, " does not name its device"));
  if (!dpa || dpa->empty())
    return BadRegion(region, absl::StrCat(*decoder_name, " has no part of its device"));
  return Target{.memdev = memdev->name(), .dpa = *dpa};
}

// Nothing unless the region is committed and persistent.
absl::StatusOr<std::optional<Region>> ReadRegion(const SysfsFolder& devices,
                                                 const SysfsFolder& folder) {
  if (folder.Number("commit").value_or(0) != 1) return std::nullopt;
  const auto start = folder.Number("resource");
  const auto size = folder.Number("size");
  const uint64_t ways = folder.Number("interleave_ways").value_or(0);
  Region region{.name = folder.name(),
                .granularity = folder.Number("interleave_granularity").value_or(0)};
  const auto hpa = start && size ? core::MakeRange(*start, *size) : std::nullopt;
  if (!hpa || hpa->empty() || ways == 0 || ways > core::StripedMedia::kMaxMembers)
    return BadRegion(folder, "its resource, size and interleave_ways do not describe a region");
  region.hpa = *hpa;
  for (uint64_t position = 0; position < ways; ++position) {
    ASSIGN_OR_RETURN(std::optional<Target> target, ReadTarget(devices, folder, position));
    if (!target) return std::nullopt;
    if (hpa->size % ways != 0 || target->dpa.size != hpa->size / ways)
      return BadRegion(folder, absl::StrCat(hpa->size, " bytes are not ", ways, " times the ",
                                            target->dpa.size, " of ", target->memdev));
    region.targets.push_back(*std::move(target));
  }
  if (ways > 1 &&
      (!core::IsPowerOfTwo(region.granularity) || hpa->size / ways % region.granularity != 0))
    return BadRegion(folder, absl::StrCat("a granularity of ", region.granularity,
                                          " does not divide its parts"));
  return region;
}

}  // namespace

absl::StatusOr<std::vector<Region>> FindRegions(const SysfsFolder& devices) {
  std::vector<Region> regions;
  for (const std::string& name : devices.Names("region")) {
    const auto folder = devices.Follow(name);
    if (!folder) continue;
    ASSIGN_OR_RETURN(std::optional<Region> region, ReadRegion(devices, *folder));
    if (region) regions.push_back(*std::move(region));
  }
  return regions;
}

absl::Status CheckCommitted(const SysfsFolder& devices, const Region& region) {
  if (const auto folder = devices.Follow(region.name)) {
    const bool same =
        folder->Number("resource") == region.hpa.start && folder->Number("size") == region.hpa.size;
    if (same && folder->Number("commit") == 1) return absl::OkStatus();
  }
  return core::Refusal(EIO, "cxl.region.gone",
                       absl::StrCat(region.name,
                                    ": the kernel has torn it down. Stores since the last flush "
                                    "may be lost; unmount"));
}

uint64_t OffsetInRegion(const Region& region, size_t position, uint64_t dpa) {
  if (region.targets.size() == 1) return dpa;
  const uint64_t stripe = region.granularity * region.targets.size();
  return dpa / region.granularity * stripe + position * region.granularity +
         dpa % region.granularity;
}

std::optional<std::string> KernelOwner(const SysfsFolder& memdev) {
  for (const std::string& name : memdev.Names("pmem"))
    if (memdev.Has(absl::StrCat(name, "/driver"))) return name;
  return std::nullopt;
}

}  // namespace nvdimmfs::backends::cxl
