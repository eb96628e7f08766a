// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/uring_ring.h"

#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace nvdimmfs::fs {
namespace {

absl::Status Unusable(int error, absl::string_view what) {
  return core::Refusal(error, "uring.setup", absl::StrCat(what, ": ", strerror(error)));
}

}  // namespace

struct UringRing::Ring {
  ~Ring() {
    if (open) io_uring_queue_exit(&uring);
  }
  io_uring uring = {};
  bool open = false;
};

absl::StatusOr<std::unique_ptr<UringRing>> UringRing::Create(int device, unsigned entries) {
  auto ring = std::make_unique<Ring>();
  io_uring_params params = {};
  // The commands need submissions of 128 bytes. Only one thread submits, and it checks for
  // completions only where it waits, which avoids interruptions. It is another thread than this
  // one, so the ring stays disabled until it starts.
  params.flags = IORING_SETUP_SQE128 | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED;
  // One entry for the bell.
  if (const int error = io_uring_queue_init_params(entries + 1, &ring->uring, &params); error < 0)
    return Unusable(-error, "io_uring_setup");
  ring->open = true;
  if (const int error = io_uring_register_files(&ring->uring, &device, 1); error < 0)
    return Unusable(-error, "io_uring_register");
  const int bell = eventfd(0, EFD_CLOEXEC);
  if (bell < 0) return Unusable(errno, "eventfd");
  return absl::WrapUnique(new UringRing(std::move(ring), bell));
}

UringRing::UringRing(std::unique_ptr<Ring> ring, int bell) : ring_(std::move(ring)), bell_(bell) {}

UringRing::~UringRing() { close(bell_); }

void UringRing::Adopt() {
  // io_uring_enable_rings, which Debian 12's liburing declares but does not contain.
  syscall(SYS_io_uring_register, ring_->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  io_uring_register_ring_fd(&ring_->uring);  // saves looking up the descriptor in each call
  Listen();
}

void UringRing::Listen() {
  io_uring_sqe* const submission = io_uring_get_sqe(&ring_->uring);
  io_uring_prep_read(submission, bell_, &knocks_, sizeof knocks_, 0);
  io_uring_sqe_set_data(submission, nullptr);
}

void UringRing::Register(UringEntry& entry) { Prepare(entry, UringCommand::kRegister, 0); }

void UringRing::Commit(UringEntry& entry) {
  Prepare(entry, UringCommand::kCommitAndFetch, entry.commit_id());
}

void UringRing::Prepare(UringEntry& entry, UringCommand command, uint64_t commit_id) {
  // There is one for each entry and one for the bell, so it is never null.
  io_uring_sqe* const submission = io_uring_get_sqe(&ring_->uring);
  const bool registers = command == UringCommand::kRegister;
  io_uring_prep_rw(IORING_OP_URING_CMD, submission, 0, registers ? entry.parts() : nullptr,
                   registers ? 2 : 0, 0);
  submission->flags = IOSQE_FIXED_FILE;
  submission->cmd_op = static_cast<uint32_t>(command);
  io_uring_sqe_set_data(submission, &entry);
  const UringCommandData data = {.commit_id = commit_id, .queue = entry.queue()};
  // A submission here is twice as long as its structure, which ends in the command's data.
  std::byte* const bytes = reinterpret_cast<std::byte*>(submission);
  std::memcpy(bytes + offsetof(io_uring_sqe, cmd), &data, sizeof data);
}

void UringRing::Submit() { io_uring_submit(&ring_->uring); }

bool UringRing::Wait() {
  const int error = io_uring_submit_and_wait(&ring_->uring, 1);
  if (error >= 0 || error == -EINTR || error == -EAGAIN || error == -EBUSY) return true;
  core::Log(core::LogLevel::kError, "uring.enter",
            absl::StrCat("io_uring_enter: ", strerror(-error)));
  return false;
}

bool UringRing::Next(Event& event) {
  unsigned head;
  io_uring_cqe* completion = nullptr;
  // Not io_uring_peek_cqe, which may call the kernel to look for more.
  io_uring_for_each_cqe(&ring_->uring, head, completion) {
    event = {static_cast<UringEntry*>(io_uring_cqe_get_data(completion)),
             completion->res < 0 ? -completion->res : 0};
    io_uring_cqe_seen(&ring_->uring, completion);
    if (event.entry == nullptr) Listen();
    return true;
  }
  return false;
}

void UringRing::Knock() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(bell_, &one, sizeof one);
}

}  // namespace nvdimmfs::fs
