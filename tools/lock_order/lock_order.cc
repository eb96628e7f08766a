// SPDX-License-Identifier: Apache-2.0
#include "tools/lock_order/lock_order.h"

#include <cstdlib>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace nvdimmfs::tools {

void ChooseLockOrderChecks() {
  const char* const wanted = getenv(kLockOrderVariable);
  const bool checks = wanted != nullptr && absl::string_view(wanted) == "abort";
  absl::SetMutexDeadlockDetectionMode(checks ? absl::OnDeadlockCycle::kAbort
                                             : absl::OnDeadlockCycle::kIgnore);
}

}  // namespace nvdimmfs::tools
