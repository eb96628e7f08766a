// SPDX-License-Identifier: Apache-2.0
// A way to the handlers of requests without a kernel: raw FUSE requests in, raw replies out. What
// is parsed and answered is what a mount parses and answers: libfuse, the table of handlers, the
// operations. Left out are the loops, and INIT's newer features.
//
// Thread rules: one thread.
#ifndef NVDIMMFS_FS_TESTING_REQUEST_DOOR_H_
#define NVDIMMFS_FS_TESTING_REQUEST_DOOR_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "fs/files/operations.h"
#include "fs/tree/tree.h"

namespace nvdimmfs::fs {

class RequestDoor {
 public:
  // Both must outlive this. Has agreed on the protocol (INIT) when it returns.
  RequestDoor(Operations& operations, Tree& tree);
  // Closes the files that are open.
  ~RequestDoor();
  RequestDoor(const RequestDoor&) = delete;
  RequestDoor& operator=(const RequestDoor&) = delete;

  // Passes one request on, and returns what was written to the device meanwhile, reply by reply;
  // notifications are dropped. The request must be one that a kernel can send: its lengths are
  // right, names end with a NUL, and a file handle is one that an open returned and that no release
  // has closed.
  std::vector<std::vector<std::byte>> Ask(absl::Span<const std::byte> request);

 private:
  struct Session;
  const std::unique_ptr<Session> session_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TESTING_REQUEST_DOOR_H_
