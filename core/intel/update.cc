// SPDX-License-Identifier: Apache-2.0
#include "core/intel/update.h"

#include <algorithm>
#include <utility>

namespace nvdimmfs::core::intel {

Update::Update(const UpdateProfile& profile)
    : profile_(profile), running_(profile.running_version) {}

// Brings the state up to date with the clock.
void Update::Settle(absl::Time now) {
  if (state_ != State::kVerifying || now < verified_at_) return;
  bad_ = !IsWhole();
  state_ = bad_ ? State::kIdle : State::kStaged;
  if (!bad_) staged_ = profile_.next_version != 0 ? profile_.next_version : running_ + 1;
}

FirmwareInfoOutput Update::Info(absl::Time now) {
  Settle(now);
  FirmwareInfoOutput info = {};
  info.storage_size = profile_.storage_size;
  info.max_send_size = profile_.max_send_size;
  info.query_interval = profile_.query_interval;
  info.max_query_time = profile_.max_query_time;
  info.capability = profile_.capability;
  info.fis_version = profile_.fis_version;
  info.running_version = running_;
  info.staged_version = staged_;
  return info;
}

Status Update::Start(absl::Time now, uint32_t& context) {
  Settle(now);
  if (state_ != State::kIdle) return kUpdateBusy;
  state_ = State::kReceiving;
  received_ = 0;
  gap_ = bad_ = false;
  context = ++context_;
  return kSuccess;
}

Status Update::Send(const FirmwareSendInput& input, uint64_t data_size) {
  if (state_ != State::kReceiving) return kRetry;
  if (input.context != context_) return kWrongContext;
  const uint64_t offset = input.offset, length = input.length;
  if (length > data_size || length > profile_.max_send_size || offset > profile_.storage_size ||
      length > profile_.storage_size - offset)
    return kInvalidParameter;
  if (offset > received_) gap_ = true;
  received_ = std::max(received_, offset + length);
  return kSuccess;
}

Status Update::Finish(const FirmwareFinishInput& input, absl::Time now) {
  Settle(now);
  if (state_ == State::kStaged) return kUpdateDone;
  if (input.flags > 1) return kInvalidParameter;
  if (input.context != context_ || state_ == State::kIdle) return kWrongContext;
  if (input.flags == 1) {
    state_ = State::kIdle;
    return kUpdateAborted;
  }
  if (state_ == State::kReceiving) {
    state_ = State::kVerifying;
    verified_at_ = now + profile_.verify_time;
  }
  return kSuccess;
}

Status Update::Query(uint32_t context, absl::Time now, uint64_t& version) {
  Settle(now);
  version = 0;
  if (context != context_) return kWrongContext;
  switch (state_) {
    case State::kIdle:
      return bad_ ? kBadImage : kSuccess;
    case State::kReceiving:
      return kWrongSequence;
    case State::kVerifying:
      return kVerifying;
    case State::kStaged:
      version = staged_;
      return kSuccess;
  }
  return kSuccess;
}

void Update::Activate(absl::Time now) {
  Settle(now);
  armed_ = false;
  if (state_ != State::kStaged) {
    result_ = ActivateResult::kNotStaged;
    return;
  }
  if (profile_.activation_moves_on) running_ = std::exchange(staged_, 0);
  state_ = State::kIdle;
  result_ = ActivateResult::kSuccess;
}

uint64_t Update::staged_version(absl::Time now) {
  Settle(now);
  return staged_;
}

void Update::Restore(uint64_t running, uint64_t staged) {
  // A power cycle activates the staged image.
  running_ = staged != 0 ? staged : running;
  staged_ = 0;
  state_ = State::kIdle;
}

}  // namespace nvdimmfs::core::intel
