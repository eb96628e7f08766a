// SPDX-License-Identifier: Apache-2.0
// Counts the open data files, and waits for one to be closed.
//
// close(2) of a FUSE file returns before the daemon knows of it. A script that closes a data file
// and then reconfigures its namespace must not be refused because of a holder that no longer exists
// for the script: a refused store waits here for a moment, and is tried again if a file was closed.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_FS_FILES_OPEN_DATA_FILES_H_
#define NVDIMMFS_FS_FILES_OPEN_DATA_FILES_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nvdimmfs::fs {

class OpenDataFiles {
 public:
  void Opened();
  void Closed();

  uint64_t closed_so_far() const;
  // True once more than `closed_before` have been closed; false after `patience`, or at once if
  // none is open.
  bool AwaitClose(uint64_t closed_before, absl::Duration patience) const;

 private:
  mutable absl::Mutex mutex_;
  uint64_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t closed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_OPEN_DATA_FILES_H_
