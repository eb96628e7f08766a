// SPDX-License-Identifier: Apache-2.0
// Kernel passthrough: an open of a data file whose reads and writes the kernel carries out on the
// file behind it, without asking the daemon (Linux 6.9, CAP_SYS_ADMIN).
//
// Only a file that is the whole of a regular file can be lent (core::FileLoan): neither reads nor
// writes of the kernel stop where the namespace would. The kernel wants all opens of one inode to
// be of one kind, so the first decides until the last is closed:
//   by passthrough   reads, mappings, and writes where they may go past the daemon; other opens
//                    come to the daemon uncached, which sees the same page cache of the file
//   ordinary         everything comes to the daemon or from the kernel's pages
// A write past the daemon is not stopped at the end of an unsealed file; what it put there is cut
// off at the last close.
//
// Thread rules: any thread; Enable before the first Admit.
#ifndef NVDIMMFS_FS_FILES_PASSTHROUGH_H_
#define NVDIMMFS_FS_FILES_PASSTHROUGH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/media/file_loan.h"
#include "fs/files/open_file.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

class Passthrough {
 public:
  enum class Policy {
    kOff,
    kSafe,    // reads; writes too where the file is sealed
    kWrites,  // writes too, of any file: what is written behind its end succeeds, then vanishes.
              // Where the file can carry its true size meanwhile (core/media/true_size.h)
  };
  struct Way {
    enum class Kind {
      kOrdinary,
      kPassthrough,
      kUncached,  // while others are passed through
    };
    Kind kind = Kind::kOrdinary;
    int32_t backing = 0;       // the kernel's number of the file behind; unless ordinary
    bool pages_stale = false;  // ordinary: pages kept from before were written past
  };

  explicit Passthrough(Policy policy) : policy_(policy) {}
  Passthrough(const Passthrough&) = delete;
  Passthrough& operator=(const Passthrough&) = delete;

  bool wanted() const { return policy_ != Policy::kOff; }
  // The kernel agreed; `device` is the session's /dev/fuse.
  void Enable(int device) { device_ = device; }

  // How the kernel is to treat this open. Each is followed by one Released.
  Way Admit(OpenFile& file);
  // True where what the kernel knows of the file (its size) is wrong now.
  bool Released(const OpenFile& file);

 private:
  struct Inode {
    int opens = 0;
    std::shared_ptr<core::FileLoan> loan;  // while by passthrough
    int32_t backing = 0;
    bool pages_stale = false;  // until all that were opened after a passthrough are closed
  };

  bool MayWritePast(const OpenFile& file, const core::FileLoan& loan) const;
  void Begin(OpenFile& file, Inode& inode) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Policy policy_;
  std::atomic<int> device_{-1};
  absl::Mutex mutex_;
  absl::flat_hash_map<Ino, Inode> inodes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_PASSTHROUGH_H_
