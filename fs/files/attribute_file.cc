// SPDX-License-Identifier: Apache-2.0
#include "fs/files/attribute_file.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/status.h"

namespace nvdimmfs::fs {
namespace {

constexpr uint16_t kAnyRead = 0444, kAnyWrite = 0222;

// How long a store that meets a holder waits for a close that is in transit.
constexpr absl::Duration kClosePatience = absl::Milliseconds(10);

absl::Status Denied(const core::Attribute& attribute, absl::string_view direction) {
  return core::Refusal(EACCES, "attribute.mode",
                       absl::StrCat("open ", attribute.name, ": it cannot be ", direction));
}

}  // namespace

absl::StatusOr<std::unique_ptr<OpenFile>> AttributeFile::Open(const NodeView& node, int flags,
                                                              const Services& services) {
  const core::Attribute& attribute = *node.attribute;
  const int access = flags & O_ACCMODE;
  const mode_t mode = node.access.mode.value_or(node.mode);
  if (access != O_WRONLY && (mode & kAnyRead) == 0) return Denied(attribute, "read");
  if (access != O_RDONLY && (mode & kAnyWrite) == 0) return Denied(attribute, "written");
  if ((flags & O_DIRECT) != 0)
    return core::Refusal(EINVAL, "attribute.direct",
                         absl::StrCat("open ", attribute.name, ": O_DIRECT is for data files"));
  return absl::WrapUnique(new AttributeFile(node, services));
}

AttributeFile::AttributeFile(const NodeView& node, const Services& services)
    : OpenFile(node), services_(services) {}

AttributeFile::~AttributeFile() { services_.changes.Leave(node().ino, this); }

absl::Status AttributeFile::Read(uint64_t offset, size_t size, const Scratch&, Deliver deliver) {
  absl::MutexLock lock(&mutex_);
  if (offset == 0 || !shown_) {
    shown_.reset();
    // Count before reading the value, so that poll() reports a change made during the read.
    seen_ = services_.changes.Count(node().ino);
    ASSIGN_OR_RETURN(shown_, services_.model.Show(*node().device, *node().attribute));
  }
  const absl::Span<const std::byte> text(reinterpret_cast<const std::byte*>(shown_->data()),
                                         shown_->size());
  deliver(text.subspan(std::min<uint64_t>(offset, text.size()), size));
  return absl::OkStatus();
}

absl::StatusOr<size_t> AttributeFile::Write(uint64_t, absl::Span<const std::byte> data) {
  if (data.empty()) return 0;
  RETURN_IF_ERROR(Store({reinterpret_cast<const char*>(data.data()), data.size()}));
  // The model takes one page of a longer write; the caller gets a short count.
  return std::min(data.size(), kAttributePage);
}

absl::Status AttributeFile::Store(absl::string_view written) {
  while (true) {
    const uint64_t closed = services_.data_files.closed_so_far();
    const absl::Status status = services_.model.Store(*node().device, *node().attribute, written);
    if (core::ErrnoOf(status) != EBUSY) return status;
    if (!services_.data_files.AwaitClose(closed, kClosePatience)) return status;
  }
}

absl::Status AttributeFile::Allocate(int, uint64_t, uint64_t, absl::FunctionRef<bool()>) {
  return core::Refusal(EOPNOTSUPP, "attribute.allocate", "an attribute has no space to allocate");
}

unsigned AttributeFile::Poll(std::unique_ptr<PollWaker> waker) {
  absl::MutexLock lock(&mutex_);
  unsigned events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
  if (waker != nullptr) services_.changes.Wait(node().ino, this, seen_, std::move(waker));
  if (services_.changes.Count(node().ino) != seen_) events |= POLLERR | POLLPRI;
  return events;
}

}  // namespace nvdimmfs::fs
