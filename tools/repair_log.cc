#include "tools/repair_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

absl::Status Failed(const std::string& path) {
  return core::Refusal(
      errno, "repair.log",
      absl::StrCat("keep a copy in ", path, ": ", strerror(errno), "; nothing was overwritten"));
}

bool WriteAll(int fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

RepairLog::~RepairLog() {
  if (fd_ >= 0) close(fd_);
}

absl::Status RepairLog::Open() {
  for (int number = 1; fd_ < 0; ++number) {
    path_ = absl::StrCat(source_, ".repair-", number);
    fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd_ < 0 && errno != EEXIST) return Failed(path_);
  }
  return absl::OkStatus();
}

absl::Status RepairLog::Save(uint64_t offset, absl::Span<const std::byte> bytes) {
  if (fd_ < 0) RETURN_IF_ERROR(Open());
  const std::string head = absl::StrCat(offset, " ", bytes.size(), "\n");
  if (WriteAll(fd_, head.data(), head.size()) && WriteAll(fd_, bytes.data(), bytes.size()) &&
      fsync(fd_) == 0) {
    size_ += head.size() + bytes.size();
    return absl::OkStatus();
  }
  const absl::Status failed = Failed(path_);
  DropPart();
  return failed;
}

void RepairLog::DropPart() {
  if (size_ != 0) {
    // What fails here leaves a last piece that is shorter than its line says: a reader sees it.
    (void)!ftruncate(fd_, static_cast<off_t>(size_));
    return;
  }
  unlink(path_.c_str());
  path_.clear();
  close(fd_);
  fd_ = -1;
}

}  // namespace nvdimmfs::tools
