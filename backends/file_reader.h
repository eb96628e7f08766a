// SPDX-License-Identifier: Apache-2.0
// Reads a file that cannot be mapped shared: on FUSE with direct_io, on 9p, or too large for the
// address space. Every access is a pread(2).
#ifndef NVDIMMFS_BACKENDS_FILE_READER_H_
#define NVDIMMFS_BACKENDS_FILE_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/posix/descriptor.h"
#include "core/media/media.h"
#include "core/media/poison_list.h"

namespace nvdimmfs::backends {

// The first range of `fd` at or after `from`, and before `size`, that is not a hole (lseek's
// SEEK_DATA).
core::Range NextDataOf(int fd, uint64_t from, uint64_t size);

// Stores are refused with EROFS, "media.read_only". Thread rules: as core::Media.
class FileReader final : public core::Media {
 public:
  // The first `size` bytes of `fd`. Keeps a duplicate of the descriptor, and so its locks. Refused
  // with the system's errno, "media.open".
  static absl::StatusOr<std::shared_ptr<FileReader>> Open(int fd, uint64_t size,
                                                          const std::string& name);

  uint64_t size() const override { return size_; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t, absl::Span<const std::byte>) override { return ReadOnly(); }
  absl::Status WriteThrough(uint64_t, absl::Span<const std::byte>) override { return ReadOnly(); }
  absl::Status Store32(uint64_t, uint32_t) override { return ReadOnly(); }
  absl::Status Store64(uint64_t, uint64_t) override { return ReadOnly(); }
  absl::Status Push(uint64_t, uint64_t) override { return absl::OkStatus(); }
  absl::Status Drain() override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  absl::Status Punch(uint64_t, uint64_t) override { return ReadOnly(); }
  bool read_only() const override { return true; }
  // The first range from `from` on for which the file has bytes; everything before it reads as
  // zeros. Empty if there is none.
  core::Range NextData(uint64_t from) const { return NextDataOf(file_.get(), from, size_); }
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t, uint64_t) override { return ReadOnly(); }
  std::vector<core::Range> BadRanges() const override { return poison_.ranges(); }
  absl::Status InjectPoison(const core::Range& range) override;
  void ObservePoison(std::weak_ptr<core::PoisonObserver> observer) override {
    poison_.Observe(std::move(observer));
  }

 private:
  FileReader(posix::Descriptor file, uint64_t size, std::string name)
      : file_(std::move(file)), size_(size), name_(std::move(name)) {}
  absl::Status ReadOnly() const;
  absl::Status CheckFits(uint64_t offset, uint64_t length) const;

  const posix::Descriptor file_;
  const uint64_t size_;
  const std::string name_;
  core::PoisonList poison_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_FILE_READER_H_
