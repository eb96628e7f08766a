// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/uring_entry.h"

#include <linux/fuse.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"

namespace nvdimmfs::fs {
namespace {

// The kernel's part of the header is at the start of the memory; the payload begins this far after
// it, and a request's headers are assembled right before the payload.
constexpr size_t kLead = 4096;
static_assert(sizeof(UringHeader) + sizeof(fuse_in_header) + sizeof(UringHeader::op_in) <= kLead);

}  // namespace

std::unique_ptr<UringEntry> UringEntry::Create(uint16_t queue, size_t payload, size_t slack) {
  // Most entries only use their first pages.
  void* const memory = mmap(nullptr, kLead + payload + slack, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  return absl::WrapUnique(new UringEntry(queue, static_cast<std::byte*>(memory), payload, slack));
}

UringEntry::UringEntry(uint16_t queue, std::byte* memory, size_t payload, size_t slack)
    : queue_(queue),
      memory_(memory),
      payload_size_(payload),
      slack_(slack),
      header_(reinterpret_cast<UringHeader*>(memory)),
      payload_(memory + kLead),
      parts_{{header_, sizeof *header_}, {payload_, payload_size_}} {}

UringEntry::~UringEntry() { munmap(memory_, kLead + payload_size_ + slack_); }

absl::Span<std::byte> UringEntry::Request() {
  answered_ = false;
  commit_id_ = header_->entry.commit_id;
  fuse_in_header in;
  std::memcpy(&in, header_->in_out, sizeof in);
  unique_ = in.unique;
  const size_t payload = header_->entry.payload_size;
  if (payload > payload_size_ || in.len < sizeof in || in.len - sizeof in < payload) return {};
  const size_t own = in.len - sizeof in - payload;
  if (own > sizeof header_->op_in) return {};
  std::byte* const start = payload_ - own - sizeof in;
  std::memcpy(start, &in, sizeof in);
  std::memcpy(start + sizeof in, header_->op_in, own);
  return {start, in.len};
}

ssize_t UringEntry::Answer(const struct iovec* parts, int count) {
  size_t size = 0;
  for (int i = 1; i < count; ++i) {
    if (parts[i].iov_len > payload_size_ - size) {
      Refuse(EIO);
      errno = EINVAL;
      return -1;
    }
    if (parts[i].iov_base != payload_ + size)
      std::memmove(payload_ + size, parts[i].iov_base, parts[i].iov_len);
    size += parts[i].iov_len;
  }
  std::memcpy(header_->in_out, parts[0].iov_base, sizeof(fuse_out_header));
  header_->entry.payload_size = static_cast<uint32_t>(size);
  answered_ = true;
  return static_cast<ssize_t>(sizeof(fuse_out_header) + size);
}

std::optional<ssize_t> UringEntry::Send(const struct iovec* parts, int count) {
  fuse_out_header header;
  if (count < 1 || parts[0].iov_len < sizeof header) return std::nullopt;
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  if (header.unique != unique_) return std::nullopt;
  return Answer(parts, count);
}

void UringEntry::Refuse(int error) {
  const fuse_out_header out = {.len = sizeof out, .error = -error, .unique = unique_};
  std::memcpy(header_->in_out, &out, sizeof out);
  header_->entry.payload_size = 0;
  answered_ = true;
}

}  // namespace nvdimmfs::fs
