// A file descriptor that is closed with its owner, and small files and folders read whole.
#ifndef NVDIMMFS_TOOLS_VOLUMES_DESCRIPTOR_H_
#define NVDIMMFS_TOOLS_VOLUMES_DESCRIPTOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace nvdimmfs::volumes {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { Close(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Close();
    number_ = other.Release();
    return *this;
  }
  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  int Release();
  void Close();

 private:
  int number_;
};

// At most `longest` bytes of it. Refused with open's or read's errno, "file.read".
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t longest = 4 << 20);
// The names in it, sorted. Refused with opendir's or readdir's errno, "file.read".
absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_DESCRIPTOR_H_
