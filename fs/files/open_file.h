// SPDX-License-Identifier: Apache-2.0
// One open(2) of an attribute or a data file.
//
// Thread rules: any thread, several at a time; destroyed when no operation on it is in progress.
#ifndef NVDIMMFS_FS_FILES_OPEN_FILE_H_
#define NVDIMMFS_FS_FILES_OPEN_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/media/file_loan.h"
#include "fs/tree/change_board.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

class OpenFile {
 public:
  // What the kernel may cache of a file.
  enum class Caching {
    kNone,   // every read and write comes here
    kPages,  // page cache, shared mappings
  };
  // A read's scratch is at least this much longer than what is read.
  static constexpr size_t kScratchSlack = 2 * 4096;
  // Room for data that must be copied before it is delivered.
  struct Scratch {
    absl::Span<std::byte> room;
    bool copies = false;  // everything must be
  };
  // Takes the bytes that were read, which are valid only until it returns.
  using Deliver = absl::FunctionRef<void(absl::Span<const std::byte>)>;

  virtual ~OpenFile() = default;

  // The node at the time of opening.
  const NodeView& node() const { return node_; }
  virtual Caching caching() const = 0;
  // Whether pages that the kernel has cached since earlier opens still equal what a read returns.
  virtual bool keeps_pages() const { return false; }
  virtual int flags() const { return 0; }  // of open(2)
  // As core::DataNode.
  virtual std::shared_ptr<core::FileLoan> LendFile() { return nullptr; }

  // Whether reads and writes wait for nothing but memory.
  virtual bool is_quick() const { return false; }

  // Whether a read waits for nothing but the configuration lock.
  virtual bool is_shown() const { return false; }

  // Its users: the kernel, until it releases the file, and each read in progress. A read delivers,
  // and so answers the kernel, before it is done with the file, so a release may come before its
  // end.
  void AddUser() { users_.fetch_add(1, std::memory_order_relaxed); }
  // True for the last user, which deletes it.
  bool DropUser() { return users_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  // Calls `deliver` once if it returns OK, with less than `size` bytes only at the end of the file;
  // otherwise never.
  virtual absl::Status Read(uint64_t offset, size_t size, const Scratch& scratch,
                            Deliver deliver) = 0;
  // Call it if the bytes that a read delivered were lost before the kernel had copied them, so that
  // the reply was EIO: finds the bad bytes and records them.
  virtual void Undelivered(uint64_t, size_t) {}
  // The number of bytes taken, from the first on.
  virtual absl::StatusOr<size_t> Write(uint64_t offset, absl::Span<const std::byte> data) = 0;
  virtual absl::Status Sync() = 0;
  // fallocate(2); `mode` as there. Calls `interrupted` between pieces; if it returns true, ends
  // with EINTR, with a part done.
  virtual absl::Status Allocate(int mode, uint64_t offset, uint64_t length,
                                absl::FunctionRef<bool()> interrupted) = 0;
  // The current events; `waker`, unless null, is called at the next one.
  virtual unsigned Poll(std::unique_ptr<PollWaker> waker) = 0;

 protected:
  explicit OpenFile(const NodeView& node) : node_(node) {}

 private:
  const NodeView node_;
  std::atomic<int> users_{1};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_OPEN_FILE_H_
