// SPDX-License-Identifier: Apache-2.0
// ndctl's filters: which devices an identifier on the command line means, and which parts of a bus
// pass a set of filters. Use it under System::WithLock.
#ifndef NVDIMMFS_TOOLS_LIST_LISTING_FILTER_H_
#define NVDIMMFS_TOOLS_LIST_LISTING_FILTER_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/listing/device_view.h"

namespace nvdimmfs::tools {

// The options as typed; nothing: not given.
struct FilterTexts {
  std::optional<std::string> bus, dimm, region, ns, mode, type, numa_node;
};

class ListingFilter {
 public:
  // No filter at all.
  ListingFilter() = default;
  // Refused with EINVAL, "list.mode", "list.type" or "list.numa_node". Identifiers are never
  // refused: an unknown one lists nothing.
  static absl::StatusOr<ListingFilter> Make(const FilterTexts& texts);

  void set_mode(absl::string_view mode) { mode_ = std::string(mode); }
  bool has_mode() const { return mode_.has_value(); }

  // A bus is listed if each filter on its own matches something on it.
  bool Takes(const core::DeviceView& bus) const;
  bool TakesDimm(const core::DeviceView& bus, const core::DeviceView& dimm) const;
  bool TakesRegion(const core::DeviceView& region) const;
  bool TakesNamespace(const core::DeviceView& ns) const;  // of a region that it takes

 private:
  bool HasDimm(const core::DeviceView& region) const;
  bool HasNamespace(const core::DeviceView& region) const;
  bool OnNode(const core::DeviceView& device) const;

  FilterTexts texts_;
  std::optional<std::string> mode_;  // in the kernel's words: raw, safe, memory, dax
  std::optional<int64_t> node_;
};

// Whether region `region` maps DIMM `dimm` ("nmem0").
bool Maps(const core::DeviceView& region, absl::string_view dimm);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LIST_LISTING_FILTER_H_
