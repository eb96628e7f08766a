// An open file descriptor that is closed with its owner.
#ifndef NVDIMMFS_BACKENDS_DESCRIPTOR_H_
#define NVDIMMFS_BACKENDS_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace nvdimmfs::backends {

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
  int get() const { return fd_; }
  // Whose it is from now on: the caller's.
  int Release() { return std::exchange(fd_, -1); }
  void Close() { *this = Descriptor(); }

 private:
  int fd_ = -1;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DESCRIPTOR_H_
