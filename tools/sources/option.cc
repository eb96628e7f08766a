#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

absl::Status BadOption(absl::string_view key, absl::string_view value, absl::string_view wanted) {
  return core::Refusal(EINVAL, "source.option",
                       absl::StrCat("option ", key, value.empty() ? "" : "=", value, ": ", wanted));
}

}  // namespace nvdimmfs::tools
