// SPDX-License-Identifier: Apache-2.0
// The submissions and completions of one thread that serves FUSE over io_uring: its io_uring, and a
// bell by which other threads wake it. uring_ring.cc is the only file that includes liburing.
//
// Thread rules: Create by any thread; then one thread, which calls Adopt first; Knock by any.
#ifndef NVDIMMFS_FS_LOOPS_URING_RING_H_
#define NVDIMMFS_FS_LOOPS_URING_RING_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fs/loops/uring_entry.h"

namespace nvdimmfs::fs {

class UringRing {
 public:
  struct Event {
    UringEntry* entry;  // null: Knock was called
    int error;          // 0: the entry has a request; else an errno, and it will not get any
  };

  // `device`: a descriptor of /dev/fuse, which need not stay open. `entries`: how many will be
  // registered. Refused with the kernel's errno, "uring.setup", if io_uring cannot be used.
  static absl::StatusOr<std::unique_ptr<UringRing>> Create(int device, unsigned entries);
  ~UringRing();
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;

  // Makes the calling thread the one that uses it.
  void Adopt();
  // Takes effect with the next Submit or Wait.
  void Register(UringEntry& entry);
  void Commit(UringEntry& entry);

  void Submit();
  // Submits, and waits for a completion. False if none will ever come.
  bool Wait();
  // The next available completion, without waiting; false if there is none.
  bool Next(Event& event);

  // Ends a Wait.
  void Knock();

 private:
  struct Ring;
  UringRing(std::unique_ptr<Ring> ring, int bell);
  void Prepare(UringEntry& entry, UringCommand command, uint64_t commit_id);
  void Listen();

  const std::unique_ptr<Ring> ring_;
  const int bell_;  // eventfd(2)
  uint64_t knocks_ = 0;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_URING_RING_H_
