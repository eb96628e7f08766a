// SPDX-License-Identifier: Apache-2.0
// An open file descriptor that is closed with its owner.
#ifndef NVDIMMFS_BACKENDS_POSIX_DESCRIPTOR_H_
#define NVDIMMFS_BACKENDS_POSIX_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace nvdimmfs::posix {

// Thread rules: as a plain value's. Constructing from a failed call (-1) leaves errno as it was.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }  // -1: none
  // The caller closes it from now on.
  int Release() { return std::exchange(fd_, -1); }
  void Close() { const Descriptor closed(Release()); }

 private:
  int fd_ = -1;
};

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_DESCRIPTOR_H_
