// SPDX-License-Identifier: Apache-2.0
#include "core/nd/backing_info.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/common_attributes.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

Text ShowMaxRatio(Device&) { return std::string("100\n"); }
Text ShowMinRatio(Device&) { return std::string("0\n"); }
Text ShowReadAhead(Device&) { return std::string("128\n"); }

absl::Status RefuseTuning(Device& device, absl::string_view) {
  return Refusal(EINVAL, "disk.fixed",
                 absl::StrCat("this setting of the disk ", device.name(),
                              " belongs to the kernel's page cache, which does not exist here"));
}

constexpr Attribute kBackingInfoAttributes[] = {
    {.name = "max_ratio",
     .mode = 0644,
     .show = ShowMaxRatio,
     .store = RefuseTuning,
     .summary = "100",
     .grammar = Grammar::kNothing,
     .refusals = "disk.fixed"},
    {.name = "min_ratio",
     .mode = 0644,
     .show = ShowMinRatio,
     .store = RefuseTuning,
     .summary = "0",
     .grammar = Grammar::kNothing,
     .refusals = "disk.fixed"},
    {.name = "read_ahead_kb",
     .mode = 0644,
     .show = ShowReadAhead,
     .store = RefuseTuning,
     .summary = "128",
     .grammar = Grammar::kNothing,
     .refusals = "disk.fixed"},
    {.name = "stable_pages_required", .show = ShowMinRatio, .summary = "0"},
    kUeventAttribute,
};

}  // namespace

std::string BackingInfo::place() const { return absl::StrCat("devices/virtual/bdi/", name()); }

absl::Span<const Attribute> BackingInfo::Table() { return kBackingInfoAttributes; }

std::vector<DeviceLink> BackingInfo::links() const {
  return {{absl::StrCat("class/bdi/", name()), path()}};
}

std::optional<DeviceLink> BackingInfo::node_link() const {
  return DeviceLink{absl::StrCat(disk_, "/bdi"), path()};
}

}  // namespace nvdimmfs::core
