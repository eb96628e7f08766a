// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/change_board.h"

#include <utility>

namespace nvdimmfs::fs {

uint64_t ChangeBoard::Count(Ino attribute) const {
  absl::MutexLock lock(&mutex_);
  const auto found = states_.find(attribute);
  return found == states_.end() ? State().count : found->second.count;
}

void ChangeBoard::Changed(Ino attribute) {
  absl::MutexLock lock(&mutex_);
  State& state = states_[attribute];
  ++state.count;
  WakeAll(state);
}

void ChangeBoard::Removed(Ino attribute) {
  absl::MutexLock lock(&mutex_);
  const auto found = states_.find(attribute);
  if (found == states_.end()) return;
  WakeAll(found->second);
  states_.erase(found);
}

void ChangeBoard::Wait(Ino attribute, const void* waiter, uint64_t seen,
                       std::unique_ptr<PollWaker> waker) {
  absl::MutexLock lock(&mutex_);
  State& state = states_[attribute];
  if (state.count != seen) {
    waker->Wake();
    return;
  }
  state.waiting[waiter] = std::move(waker);
}

void ChangeBoard::Leave(Ino attribute, const void* waiter) {
  absl::MutexLock lock(&mutex_);
  const auto found = states_.find(attribute);
  if (found == states_.end()) return;
  State& state = found->second;
  state.waiting.erase(waiter);
  if (state.count == State().count && state.waiting.empty()) states_.erase(found);
}

void ChangeBoard::WakeAll(State& state) {
  for (auto& [waiter, waker] : std::exchange(state.waiting, {})) waker->Wake();
}

}  // namespace nvdimmfs::fs
