// SPDX-License-Identifier: Apache-2.0
// The mount options and those of sources, as --help prints them.
#ifndef NVDIMMFS_TOOLS_OPTION_LIST_H_
#define NVDIMMFS_TOOLS_OPTION_LIST_H_

#include <string>
#include <vector>

#include "core/base/option_help.h"

namespace nvdimmfs::tools {

// Those of the mount, then those of the source.
std::vector<core::OptionHelp> AllOptions();

// One line for each, with its meaning below it.
std::string OptionList();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_OPTION_LIST_H_
