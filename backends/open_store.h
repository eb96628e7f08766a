// SPDX-License-Identifier: Apache-2.0
// One file or device that this process stores to, with its flush, shared by all Media in it.
//
// A flush of a file covers all of it. So all Media in one file (its data, its label area, several
// DIMMs) wait together for one flush, see the same failure, and cost one flush at the end.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_OPEN_STORE_H_
#define NVDIMMFS_BACKENDS_OPEN_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "backends/flush_queue.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::backends {

class OpenStore {
 public:
  // The object for the file of `fd`, a regular file or block device that is flushed by fdatasync;
  // there is only one object per file. The first failure is final: after a failed fdatasync, Linux
  // marks the lost pages as clean, so the next one would succeed although data was lost. `name` is
  // for messages.
  static std::shared_ptr<OpenStore> OfFile(int fd, const std::string& name);
  // For any other store, flushed by `flush`, which must stay valid; a failure is final.
  static std::shared_ptr<OpenStore> Make(int fd, std::function<absl::Status()> flush);

  absl::Status Flush() { return queue_.Flush(); }
  // Runs `flush`, which makes a part of the store durable. It runs concurrently with Flush and is
  // not merged with it, so it does not wait for other stores. Its failure is final for the whole
  // store, and vice versa.
  absl::Status FlushPart(const std::function<absl::Status()>& flush);

  // Called once this process's mount is gone. Marks each store as being closed (closing_mark.h).
  static void AnnounceClosing();
  // Flushes each store once; returns the first failure. No store may be destroyed meanwhile.
  static absl::Status FlushAll();

  // For the two functions above; a null `flush` means fdatasync.
  OpenStore(int fd, const std::string& name, std::function<absl::Status()> flush);

 private:
  const posix::Descriptor file_;  // holds the locks taken through it
  FlushQueue queue_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_OPEN_STORE_H_
