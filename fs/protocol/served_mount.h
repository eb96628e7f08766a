// SPDX-License-Identifier: Apache-2.0
// What the requests of one mount share: its operations, its open files, and how the kernel caches
// them.
//
// Thread rules: any thread, except where a function says otherwise.
#ifndef NVDIMMFS_FS_PROTOCOL_SERVED_MOUNT_H_
#define NVDIMMFS_FS_PROTOCOL_SERVED_MOUNT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "fs/files/backing_calls.h"
#include "fs/files/open_file.h"
#include "fs/files/operations.h"
#include "fs/files/passthrough.h"
#include "fs/protocol/page_dropper.h"

namespace nvdimmfs::fs {

class ServedMount {
 public:
  // `operations` must outlive this. `calls` may be null (Passthrough).
  ServedMount(Operations& operations, Passthrough::Policy passthrough,
              std::shared_ptr<BackingCalls> calls = nullptr)
      : operations_(operations), passthrough_(passthrough, std::move(calls)) {}
  // StopDropping and CloseFiles.
  ~ServedMount();
  ServedMount(const ServedMount&) = delete;
  ServedMount& operator=(const ServedMount&) = delete;

  Operations& operations() { return operations_; }
  Passthrough& passthrough() { return passthrough_; }

  // A file that the kernel has open, and its handle. Each is released once.
  uint64_t Keep(std::unique_ptr<OpenFile> file) ABSL_LOCKS_EXCLUDED(mutex_);
  void Release(uint64_t handle) ABSL_LOCKS_EXCLUDED(mutex_);
  // Closes those that the kernel never released. Call it after the last request.
  void CloseFiles() ABSL_LOCKS_EXCLUDED(mutex_);

  // Start and end the thread that drops the kernel's pages, by `drop` (PageDropper). The session's
  // owner calls them before the first request and after the last.
  void StartDropping(std::function<void(Ino)> drop) { dropper_.emplace(std::move(drop)); }
  void StopDropping() { dropper_.reset(); }
  // Between these two.
  void DropPages(Ino ino) { dropper_->Drop(ino); }
  // Waits for it, but not long.
  void AwaitDroppedPages();

  // Exists while something may hold the configuration lock for long.
  class Change {
   public:
    explicit Change(ServedMount& mount) : count_(mount.changes_under_way_) { ++count_; }
    ~Change() { --count_; }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    std::atomic<int>& count_;
  };
  bool changing() const { return changes_under_way_ > 0; }

  // Whether files opened with O_DIRECT may bypass the page cache (FOPEN_DIRECT_IO) and stay
  // coherent with those that do not: as the kernel says before the first open.
  bool direct_is_coherent() const { return direct_is_coherent_; }
  void set_direct_is_coherent() { direct_is_coherent_ = true; }

 private:
  Operations& operations_;
  Passthrough passthrough_;
  std::optional<PageDropper> dropper_;
  std::atomic<bool> direct_is_coherent_{false};
  std::atomic<int> changes_under_way_{0};

  absl::Mutex mutex_;
  absl::flat_hash_set<OpenFile*> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_SERVED_MOUNT_H_
