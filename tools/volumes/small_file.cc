#include "tools/volumes/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "backends/descriptor.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using backends::Descriptor;

constexpr size_t kRoom = 4096;  // at first, and at least

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t longest) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  size_t length = 0;
  while (file && length < longest) {
    if (text.size() - length < kRoom) text.resize(2 * length + kRoom);
    const ssize_t got =
        read(file.get(), text.data() + length, std::min(text.size(), longest) - length);
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

absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  // Not a range: its increment would throw.
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
       at.increment(error))
    names.push_back(at->path().filename().string());
  if (error)
    return core::Refusal(error.value(), "file.read",
                         absl::StrCat("read ", path, ": ", error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace nvdimmfs::volumes
