// SPDX-License-Identifier: Apache-2.0
// Where the reply to one request goes: a loop passes its port with each request.
//
// Thread rules: the thread that handles the request, until the handler returns.
#ifndef NVDIMMFS_FS_LOOPS_REPLY_PORT_H_
#define NVDIMMFS_FS_LOOPS_REPLY_PORT_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <optional>

#include "absl/types/span.h"

namespace nvdimmfs::fs {

class ReplyPort {
 public:
  // Takes what is written to /dev/fuse, and returns what writev(2) does. Returns nothing if `parts`
  // are not this request's reply and the port takes nothing else; they then go to the mount's own
  // descriptor.
  virtual std::optional<ssize_t> Send(const struct iovec* parts, int count) = 0;
  // Memory from which Send need not copy; empty if there is none.
  virtual absl::Span<std::byte> Room() const { return {}; }

 protected:
  ~ReplyPort() = default;
};

// Answers one request. The port is valid until it returns.
using RequestHandler = std::function<void(absl::Span<std::byte> request, ReplyPort& port)>;

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_REPLY_PORT_H_
