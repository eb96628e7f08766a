// SPDX-License-Identifier: Apache-2.0
// An open attribute file: reads show, writes store, as in the kernel's sysfs.
//
// The value is computed by the first read and by every read at offset 0; reads at other offsets
// return the rest of that text, whatever its length. Every write is a complete new value, at any
// offset; of a write longer than a page, the first page is stored and counts as written.
#ifndef NVDIMMFS_FS_FILES_ATTRIBUTE_FILE_H_
#define NVDIMMFS_FS_FILES_ATTRIBUTE_FILE_H_

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "fs/files/model.h"
#include "fs/files/open_data_files.h"
#include "fs/files/open_file.h"

namespace nvdimmfs::fs {

constexpr size_t kAttributePage = 4096;  // the size in stat(2), and the longest single write

class AttributeFile final : public OpenFile {
 public:
  struct Services {  // all outlive every file
    Model& model;
    ChangeBoard& changes;
    const OpenDataFiles& data_files;
  };

  // Refused with EACCES, for root too, if the mode has no bit at all for a direction that `flags`
  // (of open(2)) asks for. `node` is an attribute.
  static absl::StatusOr<std::unique_ptr<OpenFile>> Open(const NodeView& node, int flags,
                                                        const Services& services);
  ~AttributeFile() override;

  bool is_shown() const override { return true; }
  Caching caching() const override { return Caching::kNone; }
  absl::Status Read(uint64_t offset, size_t size, const Scratch& scratch, Deliver deliver) override;
  absl::StatusOr<size_t> Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Allocate(int mode, uint64_t offset, uint64_t length,
                        absl::FunctionRef<bool()> interrupted) override;
  unsigned Poll(std::unique_ptr<PollWaker> waker) override;

 private:
  AttributeFile(const NodeView& node, const Services& services);
  absl::Status Store(absl::string_view written);

  const Services services_;

  absl::Mutex mutex_;  // before the configuration lock
  std::optional<std::string> shown_ ABSL_GUARDED_BY(mutex_);
  uint64_t seen_ ABSL_GUARDED_BY(mutex_) = 0;  // the change count when it was shown
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_ATTRIBUTE_FILE_H_
