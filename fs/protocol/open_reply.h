// SPDX-License-Identifier: Apache-2.0
// The reply to an OPEN request: how the kernel caches the file.
#ifndef NVDIMMFS_FS_PROTOCOL_OPEN_REPLY_H_
#define NVDIMMFS_FS_PROTOCOL_OPEN_REPLY_H_

#include <linux/fuse.h>

#include "fs/files/open_file.h"
#include "fs/files/passthrough.h"

namespace nvdimmfs::fs {

// Without the handle. `direct_is_coherent`: see ServedMount. Made without libfuse: version 3.14
// knows neither parallel direct writes nor passthrough.
fuse_open_out OpenReply(const OpenFile& file, const Passthrough::Way& way, bool direct_is_coherent);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_OPEN_REPLY_H_
