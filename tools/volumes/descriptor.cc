#include "tools/volumes/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace nvdimmfs::volumes {
namespace {

constexpr size_t kMost = 64 * 1024;

}  // namespace

int Descriptor::Release() { return std::exchange(number_, -1); }

void Descriptor::Close() {
  if (number_ >= 0) close(std::exchange(number_, -1));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kMost, '\0');
  size_t length = 0;
  while (file && length < kMost) {
    const ssize_t got = read(file.get(), text.data() + length, kMost - length);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return core::Refusal(errno, "file.read", absl::StrCat("read ", path, ": ", strerror(errno)));
    length += static_cast<size_t>(got);
  }
  if (!file)
    return core::Refusal(errno, "file.read", absl::StrCat("open ", path, ": ", strerror(errno)));
  text.resize(length);
  return text;
}

}  // namespace nvdimmfs::volumes
