// SPDX-License-Identifier: Apache-2.0
// The program's version, as `--version` prints it. The number itself is only in version.txt.
#ifndef NVDIMMFS_TOOLS_VERSION_VERSION_H_
#define NVDIMMFS_TOOLS_VERSION_VERSION_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

// The number alone: "1.0.0".
absl::string_view VersionNumber();

// "PROGRAM 1.0.0" on the first line; the commit on the second; on the third the source packages of
// the libraries that are linked into the program, with their versions; on the fourth what the
// running kernel's FUSE offers, or why it cannot be asked (fs/protocol/kernel_offer.h).
std::string VersionText(absl::string_view program);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_VERSION_VERSION_H_
