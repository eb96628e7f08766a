// SPDX-License-Identifier: Apache-2.0
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

// Each piece is a text line "offset length", followed by its bytes, and durable before the piece is
// overwritten. The first piece creates the file: SOURCE.repair-N with the first free number.
class RepairLog {
 public:
  explicit RepairLog(std::string source) : source_(std::move(source)) {}

  // `offset` is from the start of the source. A piece that cannot be saved whole is removed from
  // the file again; if it is the first, so is the file.
  absl::Status Save(uint64_t offset, absl::Span<const std::byte> bytes);
  const std::string& path() const { return path_; }  // empty: nothing was saved

 private:
  absl::Status Open();
  // Removes a piece that was not written whole.
  void DropPart();

  const std::string source_;
  std::string path_;
  posix::Descriptor file_;
  uint64_t size_ = 0;  // bytes, of whole pieces
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_REPAIR_LOG_H_
