// SPDX-License-Identifier: Apache-2.0
// Kernel passthrough: an open data file whose reads and writes the kernel performs on the backing
// file, without the daemon (Linux 6.9, CAP_SYS_ADMIN).
//
// Only a namespace that is the whole of a regular file can be lent (core::FileLoan), since the
// kernel's reads and writes do not stop at the end of the namespace. The kernel requires all opens
// of one inode to be of one kind, so the first decides until the last is closed:
//   by passthrough   reads, mappings, and writes if they may bypass the daemon; other opens go to
//                    the daemon uncached, which sees the same page cache of the file
//   ordinary         everything goes to the daemon, or comes from the kernel's cached pages
// A write that bypasses the daemon does not stop at the end of an unsealed file; what it stores
// there is cut off at the last close.
//
// Thread rules: any thread; Enable before the first Admit.
#ifndef NVDIMMFS_FS_FILES_PASSTHROUGH_H_
#define NVDIMMFS_FS_FILES_PASSTHROUGH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/media/file_loan.h"
#include "fs/files/backing_calls.h"
#include "fs/files/open_file.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

class Passthrough {
 public:
  enum class Policy {
    kOff,
    kSafe,    // reads; also writes if the file is sealed
    kWrites,  // also writes of any file that can carry its true size (core/media/true_size.h):
              // a write past its end succeeds, but is cut off at the last close
  };
  struct Way {
    enum class Kind {
      kOrdinary,
      kPassthrough,
      kUncached,  // while others are passed through
    };
    Kind kind = Kind::kOrdinary;
    int32_t backing = 0;       // the kernel's number of the backing file; unless ordinary
    bool pages_stale = false;  // ordinary: cached pages are out of date
  };

  // `calls` may be null: this process makes them.
  explicit Passthrough(Policy policy, std::shared_ptr<BackingCalls> calls = nullptr)
      : policy_(policy),
        calls_(calls != nullptr ? std::move(calls) : std::make_shared<BackingCalls>()) {}
  Passthrough(const Passthrough&) = delete;
  Passthrough& operator=(const Passthrough&) = delete;

  bool wanted() const { return policy_ != Policy::kOff; }
  // Call it once the kernel has agreed; `device` is the session's /dev/fuse.
  void Enable(int device) { device_ = device; }

  // How the kernel must treat this open. Each is followed by one Released.
  Way Admit(OpenFile& file);
  // True if what the kernel knows of the file (its size) is wrong now.
  bool Released(const OpenFile& file);

 private:
  struct Inode {
    int opens = 0;
    std::shared_ptr<core::FileLoan> loan;  // while by passthrough
    int32_t backing = 0;
    bool pages_stale = false;  // until all files opened after a passthrough are closed
  };

  bool MayWritePast(const OpenFile& file, const core::FileLoan& loan) const;
  void Begin(OpenFile& file, Inode& inode) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Policy policy_;
  const std::shared_ptr<BackingCalls> calls_;
  std::atomic<int> device_{-1};
  absl::Mutex mutex_;
  absl::flat_hash_map<Ino, Inode> inodes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_PASSTHROUGH_H_
