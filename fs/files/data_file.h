// SPDX-License-Identifier: Apache-2.0
// An open data file: the bytes of an enabled namespace or of a label area, as the kernel's block
// device would give them.
//
// A read stops at the capacity, a write is cut short there, and a write that starts there or beyond
// is refused with ENOSPC. O_DIRECT requires offset and length in whole blocks (EINVAL). A node that
// was disabled refuses everything with EIO. Nothing ever changes the size.
//
// Durability: O_DSYNC and fsync flush the media, and O_DIRECT drains it; buffered data waits for
// one of them. On nodes with atomic sectors every write is durable, and a write of part of a sector
// first reads the rest of it.
#ifndef NVDIMMFS_FS_FILES_DATA_FILE_H_
#define NVDIMMFS_FS_FILES_DATA_FILE_H_

#include <fcntl.h>

#include <atomic>

#include "core/base/event.h"
#include "fs/files/open_data_files.h"
#include "fs/files/open_file.h"

namespace nvdimmfs::fs {

class DataFile final : public OpenFile {
 public:
  // `flags` are those of open(2). `node` is a data file. `data_files` outlives the file.
  // Refused with EROFS if it is opened for writing and its media can never be
  // written. (A node made read-only by its region opens, and refuses each write with EPERM, as a
  // kernel's read-only disk does.)
  static absl::StatusOr<std::unique_ptr<OpenFile>> Open(const NodeView& node, int flags,
                                                        OpenDataFiles& data_files);
  ~DataFile() override;

  // A file that is only written needs no cached pages: without them writes copy less and run in
  // parallel.
  Caching caching() const override {
    return direct_ || (flags_ & O_ACCMODE) == O_WRONLY ? Caching::kNone : Caching::kPages;
  }
  // Not for read-only media, which may have another writer (-o ro,force).
  bool keeps_pages() const override { return !data_.media().read_only(); }
  int flags() const override { return flags_; }
  std::shared_ptr<core::FileLoan> LendFile() override { return data_.LendFile(); }
  bool is_quick() const override { return !synchronous_; }
  absl::Status Read(uint64_t offset, size_t size, const Scratch& scratch, Deliver deliver) override;
  void Undelivered(uint64_t offset, size_t size) override;
  absl::StatusOr<size_t> Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Sync() override;
  absl::Status Allocate(int mode, uint64_t offset, uint64_t length,
                        absl::FunctionRef<bool()> interrupted) override;
  unsigned Poll(std::unique_ptr<PollWaker> waker) override;

 private:
  DataFile(const NodeView& node, int flags, OpenDataFiles& data_files);
  // Every result except OK passes through here: it is counted, logged, and kept for x/last_error.
  // If data is at risk, it is the event `failed`.
  absl::Status Answer(core::Event failed, absl::Status status);
  absl::Status Fetch(uint64_t offset, size_t size, const Scratch& scratch, Deliver deliver);
  absl::Status Place(uint64_t offset, absl::Span<const std::byte> data);
  absl::Status CheckDirect(uint64_t offset, size_t length);
  absl::Status CheckWritable() const;
  absl::Status Store(uint64_t offset, absl::Span<const std::byte> data);
  absl::Status ZeroAll(uint64_t offset, uint64_t length, bool may_punch,
                       absl::FunctionRef<bool()> interrupted);
  // A piece of that, which ends at `offset` plus what it returns.
  absl::StatusOr<uint64_t> ZeroPiece(uint64_t offset, uint64_t length, bool may_punch);
  absl::Status Drain();
  absl::Status Flush();

  core::DataNode& data_;  // kept by node()
  const int flags_;
  const bool direct_;
  const bool synchronous_;
  OpenDataFiles& data_files_;
  std::atomic<uint64_t> piece_end_{0};  // where the last piece of a long direct request ended
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_DATA_FILE_H_
