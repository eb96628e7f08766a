// SPDX-License-Identifier: Apache-2.0
#include "fs/files/passthrough.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/media/true_size.h"

namespace nvdimmfs::fs {
namespace {

// The kernel opens the backing file with the flags of the user's open, which fails if the file
// system refuses.
bool Takes(int fd, int flags) {
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  const int again = open(path.c_str(), (flags & (O_ACCMODE | O_DIRECT)) | O_CLOEXEC);
  if (again >= 0) close(again);
  return again >= 0;
}

bool Writes(const OpenFile& file) { return (file.flags() & O_ACCMODE) != O_RDONLY; }

// If this process is killed, the next opener of the file must know where it ended.
bool RecordsTrueSize(const OpenFile& file, int fd) {
  const std::string size = absl::StrCat(file.node().data->size());
  if (fsetxattr(fd, core::kTrueSizeAttribute, size.data(), size.size(), 0) == 0) return true;
  core::Log(core::LogLevel::kWarning, "passthrough.true_size",
            absl::StrCat("dev/", file.node().data->name(),
                         ": passthrough=writes has no effect, as the file system of the image "
                         "keeps no extended attribute for the image's size: ",
                         strerror(errno)));
  return false;
}

}  // namespace

bool Passthrough::MayWritePast(const OpenFile& file, const core::FileLoan& loan) const {
  if (loan.is_sealed()) return true;
  return policy_ == Policy::kWrites && (file.flags() & O_APPEND) == 0 &&
         RecordsTrueSize(file, loan.descriptor());
}

void Passthrough::Begin(OpenFile& file, Inode& inode) {
  std::shared_ptr<core::FileLoan> loan = file.LendFile();
  if (loan == nullptr || (Writes(file) && !MayWritePast(file, *loan))) return;
  // Later opens of the inode have no choice, so whatever they may ask for must work.
  if (!Takes(loan->descriptor(), file.flags() | O_DIRECT)) return;
  const int32_t backing = calls_->OpenBacking(device_, loan->descriptor());
  if (backing <= 0) return;
  inode.backing = backing;
  inode.loan = std::move(loan);
}

Passthrough::Way Passthrough::Admit(OpenFile& file) {
  if (device_ < 0 || file.node().kind != NodeKind::kData) return {};
  absl::MutexLock lock(&mutex_);
  Inode& inode = inodes_[file.node().ino];
  if (++inode.opens == 1) Begin(file, inode);
  if (inode.loan == nullptr)
    return {.kind = Way::Kind::kOrdinary, .pages_stale = inode.pages_stale};
  const bool past = !Writes(file) || MayWritePast(file, *inode.loan);
  return {.kind = past ? Way::Kind::kPassthrough : Way::Kind::kUncached, .backing = inode.backing};
}

bool Passthrough::Released(const OpenFile& file) {
  if (device_ < 0 || file.node().kind != NodeKind::kData) return false;
  absl::MutexLock lock(&mutex_);
  const auto found = inodes_.find(file.node().ino);
  if (found == inodes_.end() || --found->second.opens > 0) return false;
  Inode& inode = found->second;
  if (inode.loan == nullptr) {
    inodes_.erase(found);
    return false;
  }
  calls_->CloseBacking(device_, inode.backing);
  const bool grew = inode.loan->Trim();
  inode.loan.reset();
  inode.pages_stale = true;
  return grew;
}

}  // namespace nvdimmfs::fs
