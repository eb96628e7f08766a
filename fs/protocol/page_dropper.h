// SPDX-License-Identifier: Apache-2.0
// Makes the kernel drop its cached pages of data files that are gone, so that a descriptor that is
// still open on a disabled namespace reads errors, not old contents.
//
// The call into the kernel waits for reads of those pages that are in progress, and these wait for
// the session's workers. So it runs on a thread of its own, never on a worker.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_FS_PROTOCOL_PAGE_DROPPER_H_
#define NVDIMMFS_FS_PROTOCOL_PAGE_DROPPER_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

class PageDropper {
 public:
  // `drop` is called on that thread.
  explicit PageDropper(std::function<void(Ino)> drop);
  // Discards what it has not begun.
  ~PageDropper();

  void Drop(Ino ino);
  // Returns when everything is dropped, or after `patience`.
  void AwaitIdle(absl::Duration patience);

 private:
  void Run();

  const std::function<void(Ino)> drop_;
  absl::Mutex mutex_;
  std::deque<Ino> waiting_ ABSL_GUARDED_BY(mutex_);
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_PAGE_DROPPER_H_
