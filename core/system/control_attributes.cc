// SPDX-License-Identifier: Apache-2.0
// ndctl0.
#include <string>

#include "absl/status/statusor.h"
#include "core/model/common_attributes.h"
#include "core/nd/control_device.h"
#include "core/services/bus_commands.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {
namespace {

absl::StatusOr<std::string> ShowDev(Device& device) {
  return static_cast<ControlDevice&>(device).number().ToString() + "\n";
}

constexpr Attribute kControlAttributes[] = {
    {.name = "dev", .show = ShowDev, .summary = "major:minor of /dev/ndctlN"},
    kUeventAttribute,
    CommandAttribute(RunBusCommand),
};

}  // namespace

absl::Span<const Attribute> ControlAttributes() { return kControlAttributes; }

}  // namespace nvdimmfs::core
