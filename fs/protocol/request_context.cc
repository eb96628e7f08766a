// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/request_context.h"

#include <linux/fuse.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace nvdimmfs::fs {
namespace {

constinit thread_local RequestContext* current = nullptr;

}  // namespace

RequestContext::RequestContext(ReplyPort& port, const Edit* edit) : port_(port), edit_(edit) {
  current = this;
}

RequestContext::~RequestContext() { current = nullptr; }

RequestContext* RequestContext::Current() { return current; }

ssize_t RequestContext::Send(int device, struct iovec* parts, int count) {
  RequestContext* const context = current;
  if (context == nullptr) return writev(device, parts, count);
  if (context->edit_ != nullptr) (*context->edit_)(parts, count);
  const ssize_t sent = context->SendOne(device, parts, count);
  if (sent >= 0 || errno != EFAULT) return sent;
  context->reply_lost_ = true;
  // The request still needs a reply.
  fuse_out_header header;
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  header.len = sizeof header;
  header.error = -EIO;
  const struct iovec refusal = {&header, sizeof header};
  return context->SendOne(device, &refusal, 1) < 0 ? -1 : 0;
}

ssize_t RequestContext::SendOne(int device, const struct iovec* parts, int count) {
  if (const std::optional<ssize_t> sent = port_.Send(parts, count)) return *sent;
  return writev(device, parts, count);
}

}  // namespace nvdimmfs::fs
