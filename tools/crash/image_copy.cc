// SPDX-License-Identifier: Apache-2.0
#include "tools/crash/image_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

constexpr size_t kPiece = 1 << 20;

// Copies [start, end), leaving out zeros. On failure false, with errno set.
bool CopyPart(int from, int to, off_t start, off_t end, std::vector<char>& piece) {
  while (start < end) {
    const auto want = static_cast<size_t>(std::min<off_t>(static_cast<off_t>(kPiece), end - start));
    const ssize_t got = pread(from, piece.data(), want, start);
    if (got <= 0) {
      if (got == 0) errno = EIO;  // it became shorter
      return false;
    }
    const bool zeros =
        std::all_of(piece.begin(), piece.begin() + got, [](char c) { return c == 0; });
    errno = 0;
    if (!zeros && pwrite(to, piece.data(), static_cast<size_t>(got), start) != got) {
      if (errno == 0) errno = ENOSPC;
      return false;
    }
    start += got;
  }
  return true;
}

bool CopyContent(int from, int to) {
  const off_t size = lseek(from, 0, SEEK_END);
  if (size < 0 || ftruncate(to, size) != 0) return false;
  std::vector<char> piece(kPiece);
  for (off_t at = 0; at < size;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return true;  // a hole to the end
    if (data < 0) data = at;                      // a device
    const off_t hole = lseek(from, data, SEEK_HOLE);
    const off_t end = hole < 0 ? size : hole;
    if (!CopyPart(from, to, data, end, piece)) return false;
    at = end;
  }
  return true;
}

}  // namespace

absl::Status CopyImage(const std::string& from, const std::string& to) {
  const posix::Descriptor source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const posix::Descriptor copy(
      source.get() < 0 ? -1 : open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  errno = source.get() < 0 || copy.get() < 0 ? errno : 0;
  if (copy.get() >= 0 &&
      (ioctl(copy.get(), FICLONE, source.get()) == 0 || CopyContent(source.get(), copy.get())))
    return absl::OkStatus();
  const int error = errno;
  return core::Refusal(error, "crash.copy",
                       absl::StrCat("copy ", from, " to ", to, ": ", strerror(error)));
}

}  // namespace nvdimmfs::tools
