// SPDX-License-Identifier: Apache-2.0
// Memory for bytes that are copied before they are sent.
#ifndef NVDIMMFS_FS_PROTOCOL_SCRATCH_H_
#define NVDIMMFS_FS_PROTOCOL_SCRATCH_H_

#include <cstddef>

#include "fs/files/open_file.h"
#include "fs/protocol/request_context.h"

namespace nvdimmfs::fs {

// For a read of `size` bytes, at most kMaxTransfer: the port's own room if it has any, else
// memory that the calling thread keeps. Valid until the thread's next call.
OpenFile::Scratch ScratchFor(const RequestContext& context, size_t size);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_SCRATCH_H_
