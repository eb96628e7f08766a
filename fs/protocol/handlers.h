// SPDX-License-Identifier: Apache-2.0
// One handler per request: passes libfuse's arguments to fs::Operations, and its answers back.
//
// The session's user data is its ServedMount. A handler runs on a thread that has a RequestContext.
#ifndef NVDIMMFS_FS_PROTOCOL_HANDLERS_H_
#define NVDIMMFS_FS_PROTOCOL_HANDLERS_H_

#include <fuse_lowlevel.h>

namespace nvdimmfs::fs {

// All except `init`.
fuse_lowlevel_ops Handlers();

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_HANDLERS_H_
