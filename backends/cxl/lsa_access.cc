// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/lsa_access.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::cxl {

absl::Status LsaAccess::CheckLsa(uint64_t offset, uint64_t length) const {
  if (core::Fits(offset, length, lsa_size())) return absl::OkStatus();
  return core::Refusal(EIO, "cxl.lsa.range",
                       absl::StrCat(name(), ": ", length, " bytes at ", offset,
                                    " are not within its label area of ", lsa_size(), " bytes"));
}

}  // namespace nvdimmfs::backends::cxl
