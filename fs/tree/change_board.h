// SPDX-License-Identifier: Apache-2.0
// Records which open files wait for which attribute to change, as poll(2) on an attribute file
// requires.
//
// Every change increments the attribute's count. An open file that has read the attribute remembers
// the count, and is "changed" while the two differ. Counts start at 1, so that a file that was
// never read is changed, as in the kernel.
//
// Thread rules: any thread; takes one lock of its own, under which wakers run. A waker must only
// notify, never call back.
#ifndef NVDIMMFS_FS_TREE_CHANGE_BOARD_H_
#define NVDIMMFS_FS_TREE_CHANGE_BOARD_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

// Wakes one poller once; destroyed unused if nothing waits any longer.
class PollWaker {
 public:
  virtual ~PollWaker() = default;
  virtual void Wake() = 0;
};

class ChangeBoard {
 public:
  uint64_t Count(Ino attribute) const;
  // Counts one change and wakes the files that wait.
  void Changed(Ino attribute);
  // The attribute is gone; the files that wait are woken to find out.
  void Removed(Ino attribute);

  // `waiter` is any address that names the open file; a second waker of one waiter replaces the
  // first. Called at once if the count is no longer `seen`.
  void Wait(Ino attribute, const void* waiter, uint64_t seen, std::unique_ptr<PollWaker> waker);
  void Leave(Ino attribute, const void* waiter);

 private:
  struct State {
    uint64_t count = 1;
    absl::flat_hash_map<const void*, std::unique_ptr<PollWaker>> waiting;
  };
  static void WakeAll(State& state);

  mutable absl::Mutex mutex_;
  // Only attributes that ever changed or were waited for.
  absl::flat_hash_map<Ino, State> states_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_CHANGE_BOARD_H_
