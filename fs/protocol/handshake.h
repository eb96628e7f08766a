// SPDX-License-Identifier: Apache-2.0
// What the kernel and this mount agree on in the INIT request.
#ifndef NVDIMMFS_FS_PROTOCOL_HANDSHAKE_H_
#define NVDIMMFS_FS_PROTOCOL_HANDSHAKE_H_

#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "fs/protocol/served_mount.h"

namespace nvdimmfs::fs {

// libfuse's `init`: what libfuse knows of.
void AskFor(fuse_conn_info& connection);

// The rest, which is younger than libfuse 3.14: adds it to the reply that libfuse made.
struct Handshake {
  uint32_t offered = 0;  // the request's flags2
  int device = -1;       // the mount's descriptor
  ServedMount& mount;
  // Prepares FUSE over io_uring for the agreed sizes; false where that is not to be.
  absl::FunctionRef<bool(const fuse_init_out& agreed)> prepare_uring;

  // `parts`: the header and a fuse_init_out; anything else is left as it is.
  void Complete(struct iovec* parts, int count) const;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_HANDSHAKE_H_
