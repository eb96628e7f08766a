// SPDX-License-Identifier: Apache-2.0
// An open command file: control commands written as requests, answered by replies to read
// (command_wire.h).
//
// Callers that share the open file are distinguished by the upper half of their offsets. A request
// runs when its last byte has arrived; its reply is kept until it is read to the end or the
// caller's next request begins.
#ifndef NVDIMMFS_FS_FILES_COMMAND_FILE_H_
#define NVDIMMFS_FS_FILES_COMMAND_FILE_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "fs/files/model.h"
#include "fs/files/open_file.h"

namespace nvdimmfs::fs {

class CommandFile final : public OpenFile {
 public:
  // `node` is an attribute with a command; `model` outlives the file.
  static std::unique_ptr<OpenFile> Make(const NodeView& node, Model& model);

  Caching caching() const override { return Caching::kNone; }
  // Refused with EINVAL, "command.reply", if no reply is waiting.
  absl::Status Read(uint64_t offset, size_t size, const Scratch& scratch, Deliver deliver) override;
  // Refused with EINVAL, "command.request", for what is not a request, and with EAGAIN,
  // "command.callers", if too many callers have one in progress.
  absl::StatusOr<size_t> Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Allocate(int mode, uint64_t offset, uint64_t length,
                        absl::FunctionRef<bool()> interrupted) override;
  unsigned Poll(std::unique_ptr<PollWaker> waker) override;

 private:
  // Of one caller: a request that is still arriving, then its reply.
  struct Exchange {
    std::string request;
    std::shared_ptr<const std::string> reply;
  };

  CommandFile(const NodeView& node, Model& model) : OpenFile(node), model_(model) {}
  std::string Run(std::string request);

  Model& model_;
  absl::Mutex mutex_;  // nothing is taken under it
  absl::flat_hash_map<uint32_t, Exchange> exchanges_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_COMMAND_FILE_H_
