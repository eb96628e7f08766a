// SPDX-License-Identifier: Apache-2.0
// The text of a symbolic link between two places of the tree, as the kernel writes it.
#ifndef NVDIMMFS_FS_TREE_LINK_TEXT_H_
#define NVDIMMFS_FS_TREE_LINK_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::fs {

// Both paths are from the top of the mount, without a leading slash. The text climbs from the
// link's directory to the deepest directory that is also above the target (never the target
// itself), then descends: "nd/ndctl0/device" to "nd" reads "../../nd".
std::string LinkText(absl::string_view link_path, absl::string_view target_path);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_LINK_TEXT_H_
