// SPDX-License-Identifier: Apache-2.0
// The memory of one entry of FUSE over io_uring: it receives a request, then holds the answer.
//
// Thread rules: one thread at a time, the one that has the request.
#ifndef NVDIMMFS_FS_LOOPS_URING_ENTRY_H_
#define NVDIMMFS_FS_LOOPS_URING_ENTRY_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/types/span.h"
#include "fs/loops/reply_port.h"
#include "fs/loops/uring_wire.h"

namespace nvdimmfs::fs {

class UringEntry final : public ReplyPort {
 public:
  // For the queue `queue`. `payload`: bytes of the longest request or reply without its headers;
  // `slack`: bytes that Room() has beyond them. Null if out of memory.
  static std::unique_ptr<UringEntry> Create(uint16_t queue, size_t payload, size_t slack);
  ~UringEntry();
  UringEntry(const UringEntry&) = delete;
  UringEntry& operator=(const UringEntry&) = delete;

  uint16_t queue() const { return queue_; }
  // What REGISTER gives the kernel: two parts, valid as long as the entry.
  const struct iovec* parts() const { return parts_; }
  UringHeader& header() { return *header_; }

  // The request, in one piece, as read(2) of /dev/fuse returns it; empty if its lengths contradict
  // each other. Valid until the answer.
  absl::Span<std::byte> Request();
  uint64_t unique() const { return unique_; }
  uint64_t commit_id() const { return commit_id_; }

  // Takes an answer as writev(2) to /dev/fuse does: the header first. Returns its length; if that
  // is more than a payload, -1 and EINVAL, and the request is answered with EIO.
  ssize_t Answer(const struct iovec* parts, int count);
  // Answer, if `parts` carry this request's number.
  std::optional<ssize_t> Send(const struct iovec* parts, int count) override;
  // Answers with an errno.
  void Refuse(int error);
  bool answered() const { return answered_; }

  // Memory in which an answer's bytes may be placed before the call of Answer, which does not copy
  // bytes at its start.
  absl::Span<std::byte> Room() const override { return {payload_, payload_size_ + slack_}; }

 private:
  UringEntry(uint16_t queue, std::byte* memory, size_t payload, size_t slack);

  const uint16_t queue_;
  std::byte* const memory_;
  const size_t payload_size_, slack_;
  UringHeader* const header_;
  std::byte* const payload_;
  struct iovec parts_[2];
  uint64_t unique_ = 0, commit_id_ = 0;
  bool answered_ = false;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_URING_ENTRY_H_
