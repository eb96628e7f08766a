// SPDX-License-Identifier: Apache-2.0
#include "backends/range_file.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

absl::StatusOr<std::shared_ptr<core::Media>> OpenRange(const std::string& path,
                                                       std::optional<uint64_t> size,
                                                       const FileOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> whole, MapWholeStore(path, options));
  if (!size) {
    if (whole->size() % kPage == 0) return whole;
    return core::Refusal(
        EINVAL, "range.size",
        absl::StrCat(path, ": ", whole->size(), " bytes; a range needs whole pages of ", kPage));
  }
  if (whole->size() < *size)
    return core::Refusal(
        EINVAL, "range.size",
        absl::StrCat(path, ": ", whole->size(), " bytes, where the range has ", *size));
  return core::MediaSlice::Make(std::move(whole), {0, *size});
}

}  // namespace nvdimmfs::backends
