// SPDX-License-Identifier: Apache-2.0
// The reply to a READDIR request: entries packed as the kernel expects them.
#ifndef NVDIMMFS_FS_PROTOCOL_DIRECTORY_REPLY_H_
#define NVDIMMFS_FS_PROTOCOL_DIRECTORY_REPLY_H_

#include <fuse_lowlevel.h>

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

// As many of the entries, from the first on, as fit in `size` bytes without separating those that
// share an offset: reading continues at an offset, so a separated pair would lose or repeat one.
// Refused with EINVAL if not even the first ones fit.
absl::StatusOr<std::vector<char>> DirectoryReply(fuse_req_t request,
                                                 const std::vector<DirectoryEntry>& entries,
                                                 size_t size);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_DIRECTORY_REPLY_H_
