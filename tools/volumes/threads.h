// SPDX-License-Identifier: Apache-2.0
// Detached threads, for work that reports its end in another way.
#ifndef NVDIMMFS_TOOLS_VOLUMES_THREADS_H_
#define NVDIMMFS_TOOLS_VOLUMES_THREADS_H_

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nvdimmfs::volumes {

// False if the kernel gives no thread (a limit on processes, memory); that is logged, and `work`
// does not run.
bool StartThread(std::function<void()> work);

// Work that many callers want at the same time, and that may hang: one thread at a time does it,
// for all callers.
//
// Thread rules: any thread.
class SharedWork {
 public:
  // `work` must remain valid until it returns, which may be after this object is gone.
  explicit SharedWork(std::function<void()> work);

  // Whether the work ran completely, starting after this call and ending by `deadline`.
  bool Run(absl::Time deadline);

 private:
  struct State {
    std::function<void()> work;
    absl::Mutex mutex;
    uint64_t begun ABSL_GUARDED_BY(mutex) = 0;
    uint64_t finished ABSL_GUARDED_BY(mutex) = 0;  // the last one
    bool is_running ABSL_GUARDED_BY(mutex) = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_THREADS_H_
