// SPDX-License-Identifier: Apache-2.0
// What the kernel and this mount agree on in the INIT request.
#ifndef NVDIMMFS_FS_PROTOCOL_HANDSHAKE_H_
#define NVDIMMFS_FS_PROTOCOL_HANDSHAKE_H_

#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#include "absl/functional/function_ref.h"
#include "fs/protocol/request_bytes.h"
#include "fs/protocol/served_mount.h"

namespace nvdimmfs::fs {

// libfuse's `init`: the features that libfuse knows.
void AskFor(fuse_conn_info& connection);

// The features that are newer than libfuse 3.14: adds them to the reply that libfuse made, and logs
// what was agreed on (debug). What the kernel can do is what its INIT offers; its release is
// never asked for.
struct Handshake {
  InitOffer offered;
  int device = -1;     // the mount's descriptor
  bool debug = false;  // logs what was agreed on
  ServedMount& mount;
  // Prepares FUSE over io_uring for the agreed sizes; false if it must not be used.
  absl::FunctionRef<bool(const fuse_init_out& agreed)> prepare_uring;

  // `parts`: the header and a fuse_init_out; anything else is left unchanged.
  void Complete(struct iovec* parts, int count) const;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_HANDSHAKE_H_
