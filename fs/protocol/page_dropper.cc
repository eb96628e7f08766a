// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/page_dropper.h"

#include <utility>

namespace nvdimmfs::fs {

PageDropper::PageDropper(std::function<void(Ino)> drop)
    : drop_(std::move(drop)), thread_([this] { Run(); }) {}

PageDropper::~PageDropper() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    waiting_.clear();
  }
  thread_.join();
}

void PageDropper::Drop(Ino ino) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(ino);
}

void PageDropper::AwaitIdle(absl::Duration patience) {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return waiting_.empty() && !busy_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), patience);
}

void PageDropper::Run() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ending_ || !waiting_.empty();
  };
  absl::MutexLock lock(&mutex_);
  while (true) {
    mutex_.Await(absl::Condition(&has_work));
    if (ending_) return;
    const Ino ino = waiting_.front();
    waiting_.pop_front();
    busy_ = true;
    mutex_.Unlock();
    drop_(ino);
    mutex_.Lock();
    busy_ = false;
  }
}

}  // namespace nvdimmfs::fs
