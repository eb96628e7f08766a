// SPDX-License-Identifier: Apache-2.0
#include "backends/flush_queue.h"

#include <utility>

namespace nvdimmfs::backends {

struct FlushQueue::Round {
  // All members are guarded by the queue's mutex_.
  bool done = false;
  int callers = 0;
  absl::Status status;
};

FlushQueue::FlushQueue(std::function<absl::Status()> flush, AfterError after_error)
    : flush_(std::move(flush)), after_error_(after_error), next_(std::make_shared<Round>()) {}

absl::Status FlushQueue::Flush() {
  std::shared_ptr<Round> round;
  {
    absl::MutexLock lock(&mutex_);
    if (!failed_.ok()) return failed_;
    round = next_;
    // Woken when this round is over, or when a caller must run it.
    auto my_turn = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return round->done || !in_flight_; };
    ++round->callers;
    mutex_.Await(absl::Condition(&my_turn));
    if (round->done) return round->status;
    if (!failed_.ok()) return failed_;
    in_flight_ = true;
    next_ = std::make_shared<Round>();  // later callers have missed the start
    ++flushes_;
  }
  absl::Status status = flush_();
  absl::MutexLock lock(&mutex_);
  in_flight_ = false;
  round->status = status;
  round->done = true;
  if (!status.ok() && after_error_ == AfterError::kStayFailed && failed_.ok()) failed_ = status;
  return status;
}

void FlushQueue::Stop(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  if (!failed_.ok()) return;
  failed_ = why;
  next_->status = why;
  next_->done = true;
}

absl::Status FlushQueue::failed() const {
  absl::MutexLock lock(&mutex_);
  return failed_;
}

int FlushQueue::waiting() const {
  absl::MutexLock lock(&mutex_);
  return next_->callers;
}

uint64_t FlushQueue::flushes() const {
  absl::MutexLock lock(&mutex_);
  return flushes_;
}

}  // namespace nvdimmfs::backends
