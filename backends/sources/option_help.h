// SPDX-License-Identifier: Apache-2.0
// The meaning of sources' options: one row for each name in the tables of the kinds (kinds.cc).
#ifndef NVDIMMFS_BACKENDS_SOURCES_OPTION_HELP_H_
#define NVDIMMFS_BACKENDS_SOURCES_OPTION_HELP_H_

#include "absl/types/span.h"
#include "core/base/option_help.h"

namespace nvdimmfs::backends {

// Image options first. Not every kind takes every option: see SourceKind::options.
absl::Span<const core::OptionHelp> SourceOptionHelp();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_OPTION_HELP_H_
