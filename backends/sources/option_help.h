// SPDX-License-Identifier: Apache-2.0
// What the options of sources mean: a row for each name in the tables of the kinds (kinds.cc).
#ifndef NVDIMMFS_BACKENDS_SOURCES_OPTION_HELP_H_
#define NVDIMMFS_BACKENDS_SOURCES_OPTION_HELP_H_

#include "absl/types/span.h"
#include "core/base/option_help.h"

namespace nvdimmfs::backends {

// Those of images first. Not all kinds take all of them: see their `options`.
absl::Span<const core::OptionHelp> SourceOptionHelp();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_OPTION_HELP_H_
