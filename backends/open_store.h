// SPDX-License-Identifier: Apache-2.0
// One file or device that this process stores to: its flush, shared by all medias that lie in it.
//
// A flush of a file covers all of it. Medias of one file (its data, its label area, several DIMMs)
// therefore wait for one flush together, learn of one failure together, and cost one flush at the
// end.
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
  // The file of `fd`, a regular file or a block device, flushed by fdatasync: the one object for
  // it, whoever asks. The first failure is final: after a failed fdatasync Linux calls the pages
  // that it lost clean, so the next one would succeed over the loss. `name` is for sentences.
  static std::shared_ptr<OpenStore> OfFile(int fd, const std::string& name);
  // Any other, flushed by `flush`, which must live as long; a failure is final.
  static std::shared_ptr<OpenStore> Make(int fd, std::function<absl::Status()> flush);

  absl::Status Flush() { return queue_.Flush(); }
  // Runs `flush`, which makes a part of the store durable: beside Flush, not merged with it, and so
  // without waiting for what else was stored. Its failure is final for the whole store, and the
  // other way round.
  absl::Status FlushPart(const std::function<absl::Status()>& flush);

  // What this process does once its mount is gone. Tells others that each store is being closed
  // (closing_mark.h).
  static void AnnounceClosing();
  // Flushes each store once, with the first failure. No store may go meanwhile.
  static absl::Status FlushAll();

  // For the two above; no `flush` stands for fdatasync.
  OpenStore(int fd, const std::string& name, std::function<absl::Status()> flush);

 private:
  const posix::Descriptor file_;  // keeps the locks that were taken through it
  FlushQueue queue_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_OPEN_STORE_H_
