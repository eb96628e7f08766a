// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "core/base/status.h"

namespace nvdimmfs::posix {
namespace {

constexpr size_t kRoom = 4096;  // minimum size of a read(2), and maximum size of an attribute

ssize_t ReadSome(int fd, char* to, size_t length) {
  ssize_t got;
  do got = read(fd, to, length);
  while (got < 0 && errno == EINTR);
  return got;
}

absl::Status Failed(absl::string_view verb, const std::string& path) {
  const int error = errno;
  return core::Refusal(error, "file.read", absl::StrCat(verb, " ", path, ": ", strerror(error)));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t longest) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Failed("open", path);
  std::string text;
  size_t length = 0;
  while (length < longest) {
    if (text.size() - length < kRoom) text.resize(2 * length + kRoom);
    const ssize_t got =
        ReadSome(file.get(), text.data() + length, std::min(text.size(), longest) - length);
    if (got < 0) return Failed("read", path);
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  text.resize(length);
  return text;
}

std::optional<std::string> ReadAttribute(int folder, const std::string& path) {
  const Descriptor file(openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kRoom> page;
  const ssize_t length = file ? ReadSome(file.get(), page.data(), page.size()) : -1;
  if (length < 0) return std::nullopt;
  return std::string(page.data(), static_cast<size_t>(length));
}

std::optional<std::string> ReadLine(int folder, const std::string& path) {
  std::optional<std::string> text = ReadAttribute(folder, path);
  if (text) text->resize(std::min(text->find('\n'), text->size()));
  return text;
}

int WriteAll(int fd, absl::Span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

int WriteAll(int fd, absl::string_view text) {
  return WriteAll(fd, absl::MakeSpan(reinterpret_cast<const std::byte*>(text.data()), text.size()));
}

int WriteAttribute(int folder, const std::string& path, absl::string_view text) {
  const Descriptor file(openat(folder, path.c_str(), O_WRONLY | O_CLOEXEC));
  const ssize_t written = file ? write(file.get(), text.data(), text.size()) : -1;
  if (written < 0) return errno;
  return static_cast<size_t>(written) == text.size() ? 0 : EIO;
}

int WriteFile(const std::string& path, absl::string_view text, mode_t mode) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  return file ? WriteAll(file.get(), text) : errno;
}

}  // namespace nvdimmfs::posix
