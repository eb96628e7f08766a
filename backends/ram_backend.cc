// SPDX-License-Identifier: Apache-2.0
#include "backends/ram_backend.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

absl::StatusOr<core::BusSource> OpenRam(uint64_t size, bool read_only) {
  if (size % kPage != 0 || size < kRamLeastSize)
    return core::Refusal(
        EINVAL, "ram.size",
        absl::StrCat("ram: ", size, " bytes: needs a multiple of ", kPage, " of at least ",
                     kRamLeastSize, " (16 MiB, and the label area of 128 KiB)"));
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> whole, core::MemoryMedia::Make(size));
  core::DimmSource dimm;
  dimm.description = "memory";
  dimm.labelling = true;
  dimm.read_only = read_only;
  dimm.label_offset = size - kRamLabelSize;
  dimm.label_transfer = kRamLabelTransfer;
  ASSIGN_OR_RETURN(dimm.capacity, core::MediaSlice::Make(whole, {0, size - kRamLabelSize}));
  ASSIGN_OR_RETURN(dimm.labels,
                   core::MediaSlice::Make(whole, {size - kRamLabelSize, kRamLabelSize}));
  core::RegionSource region;
  // As in the driver: the region is the whole range, and the mapping can be allocated.
  region.spa = {core::kFirstRegionAddress, size};
  region.mappings = {{.dimm = 0, .dpa = {0, size - kRamLabelSize}}};
  region.media = whole;
  region.read_only = read_only;
  region.cookies =
      core::SetCookies{.v1_1 = kRamCookie, .v1_2 = kRamCookie, .alternate = kRamCookie};
  core::BusSource bus;
  bus.provider = "ramdax";
  bus.has_nfit = false;
  bus.dimms.push_back(std::move(dimm));
  bus.regions.push_back(std::move(region));
  return bus;
}

}  // namespace nvdimmfs::backends
