// SPDX-License-Identifier: Apache-2.0
#include "fs/files/open_data_files.h"

namespace nvdimmfs::fs {

void OpenDataFiles::Opened() {
  absl::MutexLock lock(&mutex_);
  ++open_;
}

void OpenDataFiles::Closed() {
  absl::MutexLock lock(&mutex_);
  --open_;
  ++closed_;
}

uint64_t OpenDataFiles::closed_so_far() const {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

bool OpenDataFiles::AwaitClose(uint64_t closed_before, absl::Duration patience) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closed_ != closed_before || open_ == 0;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&settled), patience);
  return closed_ != closed_before;
}

}  // namespace nvdimmfs::fs
