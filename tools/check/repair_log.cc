// SPDX-License-Identifier: Apache-2.0
#include "tools/check/repair_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

absl::Status Failed(int error, const std::string& path) {
  return core::Refusal(
      error, "repair.log",
      absl::StrCat("keep a copy in ", path, ": ", strerror(error), "; nothing was overwritten"));
}

}  // namespace

absl::Status RepairLog::Open() {
  for (int number = 1; !file_; ++number) {
    path_ = absl::StrCat(source_, ".repair-", number);
    file_ = posix::Descriptor(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file_ && errno != EEXIST) return Failed(errno, path_);
  }
  return absl::OkStatus();
}

absl::Status RepairLog::Save(uint64_t offset, absl::Span<const std::byte> bytes) {
  if (!file_) RETURN_IF_ERROR(Open());
  const std::string head = absl::StrCat(offset, " ", bytes.size(), "\n");
  int error = posix::WriteAll(file_.get(), head);
  if (error == 0) error = posix::WriteAll(file_.get(), bytes);
  if (error == 0 && fsync(file_.get()) != 0) error = errno;
  if (error == 0) {
    size_ += head.size() + bytes.size();
    return absl::OkStatus();
  }
  const absl::Status failed = Failed(error, path_);
  DropPart();
  return failed;
}

void RepairLog::DropPart() {
  if (size_ != 0) {
    // A failure leaves a last piece that is shorter than its header line states, which readers
    // detect.
    (void)!ftruncate(file_.get(), static_cast<off_t>(size_));
    return;
  }
  unlink(path_.c_str());
  path_.clear();
  file_.Close();
}

}  // namespace nvdimmfs::tools
