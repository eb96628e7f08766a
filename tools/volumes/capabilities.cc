// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/capabilities.h"

#include <cap-ng.h>

#include <cerrno>
#include <iterator>

#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

constexpr capng_type_t kOwn =
    static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET);
constexpr unsigned kNeeded[] = {CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_SYS_PTRACE,
                                CAP_CHOWN,     CAP_FOWNER,       CAP_DAC_OVERRIDE};

}  // namespace

absl::Status KeepNeededCapabilities() {
  if (capng_get_caps_process() != 0 || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
    return core::Refusal(EPERM, "volumes.capabilities",
                         "container volumes need mounts and loop devices, and so root "
                         "(CAP_SYS_ADMIN)");
  bool have[std::size(kNeeded)];
  for (size_t i = 0; i < std::size(kNeeded); ++i)
    have[i] = capng_have_capability(CAPNG_PERMITTED, kNeeded[i]) != 0;
  capng_clear(CAPNG_SELECT_BOTH);
  for (size_t i = 0; i < std::size(kNeeded); ++i)
    if (have[i]) capng_update(CAPNG_ADD, kOwn, kNeeded[i]);
  // Only CAP_SETPCAP can reduce the bounding set. Without it, no capability can be gained anyway.
  capng_apply(CAPNG_SELECT_BOUNDS);
  if (capng_apply(CAPNG_SELECT_CAPS) != 0)
    return core::Refusal(EPERM, "volumes.capabilities", "cannot drop capabilities");
  return absl::OkStatus();
}

}  // namespace nvdimmfs::volumes
