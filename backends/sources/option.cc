// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "backends/sources/kind.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::Status BadOption(absl::string_view key, absl::string_view value, absl::string_view wanted) {
  return core::Refusal(EINVAL, "source.option",
                       absl::StrCat("option ", key, value.empty() ? "" : "=", value, ": ", wanted));
}

}  // namespace nvdimmfs::backends
