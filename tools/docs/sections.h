// SPDX-License-Identifier: Apache-2.0
// Generated sections of pages that are written by hand. A section is between a line with
// "generated: NAME" and one with "end of generated", both comments in the page's own language.
#ifndef NVDIMMFS_TOOLS_DOCS_SECTIONS_H_
#define NVDIMMFS_TOOLS_DOCS_SECTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

// The page with every section as it is generated now. EINVAL if a section has no end or an unknown
// name.
absl::StatusOr<std::string> Regenerate(absl::string_view page);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_DOCS_SECTIONS_H_
