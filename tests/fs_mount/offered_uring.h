// SPDX-License-Identifier: Apache-2.0
// Makes the kernel offer FUSE over io_uring to mounts that are made meanwhile.
//
// That is a parameter of the whole machine, which only root may write. It is put back as it was;
// another test that wants it waits meanwhile. A mount keeps what it was offered.
#ifndef NVDIMMFS_TESTS_FS_MOUNT_OFFERED_URING_H_
#define NVDIMMFS_TESTS_FS_MOUNT_OFFERED_URING_H_

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace nvdimmfs::tests {

class OfferedUring {
 public:
  OfferedUring() : fd_(open("/sys/module/fuse/parameters/enable_uring", O_RDWR | O_CLOEXEC)) {
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0 || pread(fd_, &before_, 1, 0) != 1) return;
    works_ = pwrite(fd_, "Y", 1, 0) == 1;
  }
  ~OfferedUring() {
    if (works_) works_ = pwrite(fd_, &before_, 1, 0) == 1;
    if (fd_ >= 0) close(fd_);
  }
  OfferedUring(const OfferedUring&) = delete;
  OfferedUring& operator=(const OfferedUring&) = delete;

  // False where the kernel knows of none, or this is not root.
  bool works() const { return works_; }

 private:
  const int fd_;
  char before_ = 'N';
  bool works_ = false;
};

}  // namespace nvdimmfs::tests

#endif  // NVDIMMFS_TESTS_FS_MOUNT_OFFERED_URING_H_
