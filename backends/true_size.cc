// SPDX-License-Identifier: Apache-2.0
#include "backends/true_size.h"

#include <sys/types.h>
#include <sys/xattr.h>

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/log.h"
#include "core/base/shell_word.h"
#include "core/media/true_size.h"

namespace nvdimmfs::backends {

uint64_t TrueSizeOf(int fd, const std::string& path, uint64_t size) {
  std::array<char, 32> text;
  const ssize_t length = fgetxattr(fd, core::kTrueSizeAttribute, text.data(), text.size());
  uint64_t recorded;
  if (length <= 0 ||
      !absl::SimpleAtoi(absl::string_view(text.data(), static_cast<size_t>(length)), &recorded) ||
      recorded == 0 || recorded >= size)
    return size;
  core::Log(
      core::LogLevel::kNotice, "image.surplus",
      absl::StrCat("open ", path, ": the image is its first ", recorded, " bytes. The ",
                   size - recorded,
                   " after them were written past its end (-o passthrough=writes) before "
                   "the daemon was killed, and are not shown. To cut them off: truncate -s ",
                   recorded, " ", core::ShellWord(path), "; to make them part of it: setfattr -x ",
                   core::kTrueSizeAttribute, " ", core::ShellWord(path)));
  return recorded;
}

void ForgetTrueSize(int fd) { fremovexattr(fd, core::kTrueSizeAttribute); }

}  // namespace nvdimmfs::backends
