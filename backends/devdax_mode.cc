// SPDX-License-Identifier: Apache-2.0
#include "backends/devdax_mode.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr struct {
  absl::string_view driver;
  absl::string_view mode;   // as daxctl calls it
  absl::string_view use;    // what the kernel does with the device
  absl::string_view force;  // what daxctl needs in addition to leave that mode
} kOtherModes[] = {
    {"fsdev_dax", "famfs", "a file system of shared memory has its pages", ""},
    {"kmem", "system-ram", "its pages are memory of the system", " --force"},
};

}  // namespace

absl::Status CheckDevdaxMode(const SysfsFolder& device, const std::string& path) {
  const auto driver = device.Follow("driver");
  if (!driver) return absl::OkStatus();
  for (const auto& other : kOtherModes)
    if (driver->name() == other.driver)
      return core::Refusal(EBUSY, "devdax.mode",
                           absl::StrCat("open ", path, ": it is in mode ", other.mode, " (driver ",
                                        other.driver, "): ", other.use,
                                        ", and it cannot be mapped. Stop using it, then: "
                                        "daxctl reconfigure-device --mode=devdax",
                                        other.force, " ", device.name()));
  return absl::OkStatus();
}

}  // namespace nvdimmfs::backends
