// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace nvdimmfs::posix {
namespace {

// Appends the names; returns 0 or the errno that ended the list. Takes over `folder`.
int Read(Descriptor folder, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(folder ? fdopendir(folder.get()) : nullptr,
                                                   closedir);
  if (stream == nullptr) return errno;
  folder.Release();
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  std::sort(names.begin(), names.end());
  return error;
}

}  // namespace

Descriptor OpenFolder(const std::string& path) {
  return Descriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path) {
  std::vector<std::string> names;
  if (const int error = Read(OpenFolder(path), names); error != 0)
    return core::Refusal(error, "file.read", absl::StrCat("read ", path, ": ", strerror(error)));
  return names;
}

std::vector<std::string> NamesIn(int folder) {
  std::vector<std::string> names;
  if (folder >= 0) Read(Descriptor(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), names);
  return names;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int SyncFolder(const std::string& path) {
  const Descriptor folder = OpenFolder(path);
  return folder && fsync(folder.get()) == 0 ? 0 : errno;
}

}  // namespace nvdimmfs::posix
