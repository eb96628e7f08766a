// SPDX-License-Identifier: Apache-2.0
#include "backends/sysfs_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"

namespace nvdimmfs::backends {
namespace {

std::optional<std::string> Resolve(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), free);
  if (resolved == nullptr) return std::nullopt;
  return std::string(resolved.get());
}

}  // namespace

std::optional<SysfsFolder> SysfsFolder::OfNode(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return std::nullopt;
  const auto path = Resolve(absl::StrCat("/sys/dev/", S_ISBLK(status.st_mode) ? "block" : "char",
                                         "/", major(status.st_rdev), ":", minor(status.st_rdev)));
  if (!path) return std::nullopt;
  return SysfsFolder(*path);
}

bool SysfsFolder::Has(absl::string_view name) const {
  return access(absl::StrCat(path_, "/", name).c_str(), F_OK) == 0;
}

std::optional<std::string> SysfsFolder::Text(absl::string_view name) const {
  std::optional<std::string> text = posix::ReadAttribute(AT_FDCWD, absl::StrCat(path_, "/", name));
  if (text && absl::EndsWith(*text, "\n")) text->pop_back();
  return text;
}

std::optional<uint64_t> SysfsFolder::Number(absl::string_view name) const {
  const auto text = Text(name);
  uint64_t value = 0;
  if (!text) return std::nullopt;
  if (absl::StartsWith(*text, "0x") ? absl::SimpleHexAtoi(*text, &value)
                                    : absl::SimpleAtoi(*text, &value))
    return value;
  return std::nullopt;
}

std::optional<int> SysfsFolder::Signed(absl::string_view name) const {
  const auto text = Text(name);
  int value = 0;
  if (!text || !absl::SimpleAtoi(*text, &value)) return std::nullopt;
  return value;
}

std::optional<SysfsFolder> SysfsFolder::Follow(absl::string_view name) const {
  const auto path = Resolve(absl::StrCat(path_, "/", name));
  if (!path) return std::nullopt;
  return SysfsFolder(*path);
}

std::vector<std::string> SysfsFolder::Names(absl::string_view prefix) const {
  std::vector<std::string> names;
  for (std::string& name : posix::ReadFolder(path_).value_or(std::vector<std::string>()))
    if (absl::StartsWith(name, prefix)) names.push_back(std::move(name));
  return names;
}

std::optional<SysfsFolder> SysfsFolder::Holding(absl::string_view name) const {
  for (std::string path = path_; path.size() > 1;) {
    if (SysfsFolder folder(path); folder.Has(name)) return folder;
    path.resize(path.rfind('/'));
  }
  return std::nullopt;
}

}  // namespace nvdimmfs::backends
