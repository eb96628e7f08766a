// SPDX-License-Identifier: Apache-2.0
// A mount and its session with the kernel.
//
// Life: Mount, then Start; requests are answered until the mount is gone or Unmount is called.
// Thread rules: one thread owns the session.
#ifndef NVDIMMFS_FS_PROTOCOL_FUSE_SESSION_H_
#define NVDIMMFS_FS_PROTOCOL_FUSE_SESSION_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fs/files/backing_calls.h"
#include "fs/files/operations.h"
#include "fs/files/passthrough.h"
#include "fs/protocol/unmounter.h"
#include "fs/tree/tree.h"

namespace nvdimmfs::fs {

class FuseSession {
 public:
  struct Options {
    std::string mountpoint;                 // absolute
    std::vector<std::string> fuse_options;  // as after libfuse's -o, one each, unescaped
    bool debug = false;                     // libfuse prints every request
    int threads = 1;
    bool spins = true;   // may keep a CPU busy for moments, see RequestLoop
    bool uring = false;  // FUSE over io_uring if the kernel offers it, see UringLoop
    Passthrough::Policy passthrough = Passthrough::Policy::kSafe;
    // What needs rights that this process may give up once the mount works; null: it keeps them.
    std::shared_ptr<BackingCalls> backing_calls;
    std::shared_ptr<Unmounter> unmounter;
  };
  struct Events {                      // called on a worker
    std::function<void()> on_ready;    // the kernel has agreed on the protocol: the mount works
    std::function<void()> on_unmount;  // no more requests will come
  };

  // Makes the mount. Requests to it wait until Start. Both references must outlive the session.
  // Refused with libfuse's message.
  static absl::StatusOr<std::unique_ptr<FuseSession>> Mount(Operations& operations, Tree& tree,
                                                            const Options& options);
  // Unmounts, unless that was done.
  virtual ~FuseSession() = default;

  virtual void Start(Events events) = 0;
  // Writes back the kernel's dirty pages, unmounts and stops. Programs that still have files open
  // get errors.
  virtual void Unmount() = 0;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_FUSE_SESSION_H_
