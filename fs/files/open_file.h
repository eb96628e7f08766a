// SPDX-License-Identifier: Apache-2.0
// One open(2) of an attribute or a data file.
//
// Thread rules: any thread, several at a time; destroyed when nothing is under way on it.
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
  // What the kernel may keep of a file.
  enum class Caching {
    kNone,   // every read and write comes here
    kPages,  // page cache, shared mappings
  };
  // A read's scratch is at least this much longer than what is read.
  static constexpr size_t kScratchSlack = 2 * 4096;
  // Room for what has to be copied before it is delivered.
  struct Scratch {
    absl::Span<std::byte> room;
    bool copies = false;  // everything has to be
  };
  // Takes the bytes read, which stay good only until it returns.
  using Deliver = absl::FunctionRef<void(absl::Span<const std::byte>)>;

  virtual ~OpenFile() = default;

  // The node when it was opened.
  const NodeView& node() const { return node_; }
  virtual Caching caching() const = 0;
  // Whether pages that the kernel kept of earlier opens are still what a read would give.
  virtual bool keeps_pages() const { return false; }
  virtual int flags() const { return 0; }  // open(2)'s
  // As core::DataNode.
  virtual std::shared_ptr<core::FileLoan> LendFile() { return nullptr; }

  // Whether reads and writes wait for nothing but memory.
  virtual bool is_quick() const { return false; }

  // Whether a read waits for nothing but the configuration lock.
  virtual bool is_shown() const { return false; }

  // Its users: the kernel, until it releases the file, and each read under way. A read delivers,
  // and so answers the kernel, before it is done with the file; the release may overtake its rest.
  void AddUser() { users_.fetch_add(1, std::memory_order_relaxed); }
  // True for the last user, which deletes it.
  bool DropUser() { return users_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  // Calls `deliver` once if it returns OK, with less than `size` bytes only where the file ends;
  // else never.
  virtual absl::Status Read(uint64_t offset, size_t size, const Scratch& scratch,
                            Deliver deliver) = 0;
  // What a read delivered was gone before the kernel had copied it, and the answer was EIO: finds
  // and notes what is bad there.
  virtual void Undelivered(uint64_t, size_t) {}
  // The number of bytes taken, from the first on.
  virtual absl::StatusOr<size_t> Write(uint64_t offset, absl::Span<const std::byte> data) = 0;
  virtual absl::Status Sync() = 0;
  // fallocate(2); `mode` as there. Asks `interrupted` between pieces and ends with EINTR, part of
  // it done, where that is true.
  virtual absl::Status Allocate(int mode, uint64_t offset, uint64_t length,
                                absl::FunctionRef<bool()> interrupted) = 0;
  // The events that are there now; `waker`, unless null, is for the next that comes.
  virtual unsigned Poll(std::unique_ptr<PollWaker> waker) = 0;

 protected:
  explicit OpenFile(const NodeView& node) : node_(node) {}

 private:
  const NodeView node_;
  std::atomic<int> users_{1};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_OPEN_FILE_H_
