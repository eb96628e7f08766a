// SPDX-License-Identifier: Apache-2.0
#include "backends/ram_backend.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/dimm_parts.h"
#include "backends/guest_layout.h"
#include "backends/range_file.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kPage = 4096;

absl::Status CheckSize(uint64_t size, const std::string& name) {
  if (size % kPage == 0 && size >= kRamLeastSize) return absl::OkStatus();
  return core::Refusal(
      EINVAL, "ram.size",
      absl::StrCat(name, ": ", size, " bytes: needs a multiple of ", kPage, " of at least ",
                   kRamLeastSize, " (16 MiB, and the label area of 128 KiB)"));
}

// The bus for the range `whole`; `dimm` has its data and labels.
core::BusSource BusOf(std::shared_ptr<core::Media> whole, core::DimmSource dimm, uint64_t address) {
  const uint64_t size = whole->size();
  core::RegionSource region;
  // As in the driver: the region is the whole range, and the mapping can be allocated.
  region.spa = {address, size};
  region.mappings = {{.dimm = 0, .dpa = {0, size - kRamLabelSize}}};
  region.read_only = whole->read_only() || dimm.read_only;
  region.media = std::move(whole);
  region.cookies =
      core::SetCookies{.v1_1 = kRamCookie, .v1_2 = kRamCookie, .alternate = kRamCookie};
  dimm.labelling = true;
  dimm.label_transfer = kRamLabelTransfer;
  core::BusSource bus;
  bus.provider = "ramdax";
  bus.has_nfit = false;
  bus.dimms.push_back(std::move(dimm));
  bus.regions.push_back(std::move(region));
  return bus;
}

}  // namespace

absl::StatusOr<core::BusSource> OpenRam(uint64_t size, bool read_only) {
  RETURN_IF_ERROR(CheckSize(size, "ram"));
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> whole, core::MemoryMedia::Make(size));
  core::DimmSource dimm;
  dimm.description = "memory";
  dimm.read_only = read_only;
  dimm.label_offset = size - kRamLabelSize;
  ASSIGN_OR_RETURN(dimm.capacity, core::MediaSlice::Make(whole, {0, size - kRamLabelSize}));
  ASSIGN_OR_RETURN(dimm.labels,
                   core::MediaSlice::Make(whole, {size - kRamLabelSize, kRamLabelSize}));
  return BusOf(std::move(whole), std::move(dimm), kRamAddress);
}

absl::StatusOr<core::BusSource> OpenRamFile(const std::string& path, uint64_t address,
                                            const FileOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> whole, OpenRange(path, std::nullopt, options));
  RETURN_IF_ERROR(CheckSize(whole->size(), path));
  if (!IsRegionAddress(address, whole->size()))
    return core::Refusal(EINVAL, "range.address",
                         absl::StrCat(path, ": ", whole->size(), " bytes at address ", address,
                                      ": needs a multiple of ", kPage, " below 2^62"));
  ASSIGN_OR_RETURN(core::DimmSource dimm, DimmOf(whole, 0, {.size = kRamLabelSize}, options, path));
  dimm.identity = {};  // none, as in ramdax
  return BusOf(std::move(whole), std::move(dimm), address);
}

}  // namespace nvdimmfs::backends
