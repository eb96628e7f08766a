// SPDX-License-Identifier: Apache-2.0
// The request that the calling thread handles: where its reply goes, and what became of it.
//
// libfuse gives replies to a callback that knows only the session, so the thread has to say which
// request is meant. This is the one thread-local pointer for it; the context itself lives on the
// handling thread's stack.
//
// Thread rules: one context at a time on a thread; used by that thread alone.
#ifndef NVDIMMFS_FS_PROTOCOL_REQUEST_CONTEXT_H_
#define NVDIMMFS_FS_PROTOCOL_REQUEST_CONTEXT_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "fs/loops/reply_port.h"

namespace nvdimmfs::fs {

class RequestContext {
 public:
  // Edits the reply before it is sent.
  using Edit = absl::FunctionRef<void(struct iovec* parts, int count)>;

  explicit RequestContext(ReplyPort& port) : RequestContext(port, nullptr) {}
  RequestContext(ReplyPort& port, const Edit& edit) : RequestContext(port, &edit) {}
  ~RequestContext();
  RequestContext(const RequestContext&) = delete;
  RequestContext& operator=(const RequestContext&) = delete;

  // Null on a thread that is not handling a request.
  static RequestContext* Current();

  // libfuse calls this instead of writev(2), on any thread. Replies go through the current
  // request's port; notifications that the port does not take go to `device`.
  static ssize_t Send(int device, struct iovec* parts, int count);

  // Memory from which a reply need not be copied; empty if there is none.
  absl::Span<std::byte> room() const { return port_.Room(); }

  // Whether the bytes of a reply could no longer be read (they came straight from a mapping whose
  // file was truncated or whose disk failed). The reply was then EIO.
  bool reply_lost() const { return reply_lost_; }

 private:
  RequestContext(ReplyPort& port, const Edit* edit);
  ssize_t SendOne(int device, const struct iovec* parts, int count);

  ReplyPort& port_;
  const Edit* const edit_;
  bool reply_lost_ = false;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_REQUEST_CONTEXT_H_
