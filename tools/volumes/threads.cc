// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/threads.h"

#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"

namespace nvdimmfs::volumes {

bool StartThread(std::function<void()> work) {
  try {
    std::thread(std::move(work)).detach();
    return true;
  } catch (const std::system_error& error) {
    core::Log(core::LogLevel::kError, "volumes.threads",
              absl::StrCat("cannot start a thread: ", error.what(),
                           "; check the limits on processes of this service"));
    return false;
  }
}

SharedWork::SharedWork(std::function<void()> work) : state_(std::make_shared<State>()) {
  state_->work = std::move(work);
}

bool SharedWork::Run(absl::Time deadline) {
  State& state = *state_;
  absl::MutexLock lock(&state.mutex);
  const uint64_t wanted = state.begun + 1;
  const auto is_idle = [&state]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(state.mutex) { return !state.is_running; };
  while (state.finished < wanted) {
    if (!state.is_running) {
      state.is_running = true;
      const uint64_t number = ++state.begun;
      const bool is_started = StartThread([kept = state_, number] {
        kept->work();
        absl::MutexLock inner(&kept->mutex);
        kept->is_running = false;
        kept->finished = number;
      });
      if (!is_started) {
        state.is_running = false;
        return false;
      }
    }
    if (!state.mutex.AwaitWithDeadline(absl::Condition(&is_idle), deadline)) return false;
  }
  return true;
}

}  // namespace nvdimmfs::volumes
