// SPDX-License-Identifier: Apache-2.0
#include "backends/open_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/closing_mark.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using core::Refusal;

// What to do after a refusal for lack of rights.
std::string AdviceOnRights(const std::string& path, bool read_only) {
  if (!read_only && faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0)
    return "; it can be read: to look at it, add ,ro to the SOURCE";
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    return absl::StrCat("; a directory on the way is closed to this user (uid ", geteuid(), ")");
  return absl::StrFormat(
      "; this user (uid %u) may not %s it: it belongs to uid %u, gid %u, with mode %04o", geteuid(),
      read_only ? "read" : "read or write", status.st_uid, status.st_gid, status.st_mode & 07777);
}

absl::Status OpenError(const std::string& path, int error, bool read_only) {
  std::string advice;
  if (error == EACCES || error == EPERM || error == EROFS) advice = AdviceOnRights(path, read_only);
  if (error == EBUSY) advice = ". It is mounted, or another process has opened it exclusively";
  if (error == ENXIO || error == ENODEV)
    advice = ". Its driver is not bound, or the device is gone";
  return Refusal(error, "image.open", absl::StrCat("open ", path, ": ", strerror(error), advice));
}

absl::string_view KindOf(mode_t mode) {
  if (S_ISREG(mode)) return "a regular file";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISCHR(mode)) return "a character device; for device-dax say devdax:PATH";
  if (S_ISBLK(mode)) return "a block device; for virtio-pmem say virtio-pmem:PATH";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "of an unknown kind";
}

mode_t ModeOf(NodeKind kind) {
  switch (kind) {
    case NodeKind::kRegular:
      return S_IFREG;
    case NodeKind::kCharacter:
      return S_IFCHR;
    case NodeKind::kBlock:
      return S_IFBLK;
  }
  return 0;
}

absl::string_view Wanted(NodeKind kind) {
  switch (kind) {
    case NodeKind::kRegular:
      return "a regular file";
    case NodeKind::kCharacter:
      return "a character device";
    case NodeKind::kBlock:
      return "a block device";
  }
  return "";
}

absl::Status CheckKind(const std::string& path, mode_t mode, NodeKind kind) {
  if ((mode & S_IFMT) == ModeOf(kind)) return absl::OkStatus();
  return Refusal(
      S_ISDIR(mode) ? EISDIR : EINVAL, "image.kind",
      absl::StrCat("open ", path, ": it must be ", Wanted(kind), ", but is ", KindOf(mode)));
}

// A process that has a block device open exclusively may be about to end. A shared open allows
// waiting for that.
bool AwaitClosingOf(const std::string& path) {
  const posix::Descriptor beside(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  return beside.get() >= 0 && AwaitClosing(beside.get(), path);
}

// open(2), but retries for a moment if another process is just testing for users with a lease (as
// image_lock.h does).
int OpenPatiently(const std::string& path, int flags) {
  for (int attempt = 0;; ++attempt) {
    const int fd = open(path.c_str(), flags);
    if (fd < 0 && errno == EBUSY && (flags & O_EXCL) != 0) {
      if (AwaitClosingOf(path)) continue;
      errno = EBUSY;
    }
    if (fd >= 0 || errno != EWOULDBLOCK || attempt == 20) return fd;
    absl::SleepFor(absl::Milliseconds(10));
  }
}

}  // namespace

absl::StatusOr<posix::Descriptor> OpenNode(const std::string& path, NodeKind kind, bool read_only) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return OpenError(path, errno, read_only);
  RETURN_IF_ERROR(CheckKind(path, status.st_mode, kind));
  int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  if (kind == NodeKind::kBlock && !read_only) flags |= O_EXCL;
  // Reading must not change the access time. Only the owner may request that.
  int fd = OpenPatiently(path, flags | (read_only ? O_NOATIME : 0));
  if (fd < 0 && errno == EPERM && read_only) fd = OpenPatiently(path, flags);
  if (fd < 0) return OpenError(path, errno, read_only);
  posix::Descriptor file(fd);
  if (fstat(fd, &status) != 0) return OpenError(path, errno, read_only);
  RETURN_IF_ERROR(CheckKind(path, status.st_mode, kind));
  return file;
}

}  // namespace nvdimmfs::backends
