// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"

namespace nvdimmfs::posix {

int WriteNewFile(const std::string& path, absl::string_view content, mode_t mode) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) return errno;
  int error = WriteAll(file.get(), content);
  if (error == 0 && fsync(file.get()) != 0) error = errno;
  if (close(file.Release()) != 0 && error == 0) error = errno;
  if (error != 0) unlink(path.c_str());
  return error;
}

int ReplaceFile(const std::string& path, const std::string& beside, absl::string_view content,
                mode_t mode) {
  if (const int error = WriteNewFile(beside, content, mode); error != 0) return error;
  if (rename(beside.c_str(), path.c_str()) == 0) return 0;
  const int error = errno;
  unlink(beside.c_str());
  return error;
}

}  // namespace nvdimmfs::posix
