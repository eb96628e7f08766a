// SPDX-License-Identifier: Apache-2.0
// A row of a list of options, from which --help, manual pages and tables in Markdown are made.
#ifndef NVDIMMFS_CORE_BASE_OPTION_HELP_H_
#define NVDIMMFS_CORE_BASE_OPTION_HELP_H_

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

struct OptionHelp {
  absl::string_view name;
  absl::string_view value;  // what follows "=", as usage texts have it: "auto|off"; empty: nothing
  absl::string_view summary;  // a line; backquotes are around literal words
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_OPTION_HELP_H_
