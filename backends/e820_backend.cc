// SPDX-License-Identifier: Apache-2.0
#include "backends/e820_backend.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/range_file.h"
#include "core/base/status.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kPage = 4096;
// There is no memory in the upper half of the address space.
constexpr uint64_t kEndOfAddresses = uint64_t{1} << 62;

}  // namespace

absl::StatusOr<core::BusSource> OpenE820(const std::vector<std::string>& paths, uint64_t address,
                                         const FileOptions& options) {
  core::BusSource bus;
  bus.provider = "e820";
  bus.has_nfit = false;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(std::shared_ptr<core::Media> media, OpenRange(path, std::nullopt, options));
    const uint64_t size = media->size();
    if (address % kPage != 0 || address >= kEndOfAddresses || size > kEndOfAddresses - address)
      return core::Refusal(EINVAL, "range.address",
                           absl::StrCat(path, ": ", size, " bytes at address ", address,
                                        ": needs a multiple of ", kPage, " below 2^62"));
    core::RegionSource region;
    region.spa = {address, size};
    region.media = std::move(media);
    region.page_mapped = true;
    region.read_only = options.read_only;
    bus.regions.push_back(std::move(region));
    address = core::RoundUp(address + size, core::kRegionAddressAlign);
  }
  return bus;
}

}  // namespace nvdimmfs::backends
