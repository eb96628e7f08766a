// SPDX-License-Identifier: Apache-2.0
// A row of an option list. --help, manual pages and Markdown tables are generated from such lists.
#ifndef NVDIMMFS_CORE_BASE_OPTION_HELP_H_
#define NVDIMMFS_CORE_BASE_OPTION_HELP_H_

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

struct OptionHelp {
  absl::string_view name;
  absl::string_view value;  // what follows "=", as usage texts have it: "auto|off"; empty: nothing
  absl::string_view summary;  // one line; backquotes enclose literal words
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_OPTION_HELP_H_
