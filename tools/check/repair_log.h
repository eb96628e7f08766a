// The file next to an image that keeps what a repair overwrote.
#ifndef NVDIMMFS_TOOLS_CHECK_REPAIR_LOG_H_
#define NVDIMMFS_TOOLS_CHECK_REPAIR_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::tools {

// A text line "offset length" for each piece, followed by its bytes; durable before the piece is
// overwritten. The file is made when the first piece comes: SOURCE.repair-1, or the first number
// that is free.
class RepairLog {
 public:
  explicit RepairLog(std::string source) : source_(std::move(source)) {}

  // `offset` is from the start of the source. A piece that cannot be kept whole leaves nothing of
  // itself in the file, and no file where it would have been the first.
  absl::Status Save(uint64_t offset, absl::Span<const std::byte> bytes);
  const std::string& path() const { return path_; }  // empty: nothing was saved

 private:
  absl::Status Open();
  // After a piece that was not written whole.
  void DropPart();

  const std::string source_;
  std::string path_;
  posix::Descriptor file_;
  uint64_t size_ = 0;  // bytes, of whole pieces
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_REPAIR_LOG_H_
