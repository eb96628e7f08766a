#include "backends/sysfs_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "backends/descriptor.h"

namespace nvdimmfs::backends {
namespace {

constexpr size_t kAttributeSize = 4096;  // sysfs: an attribute is a page at most

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
  const Descriptor file(open(absl::StrCat(path_, "/", name).c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return std::nullopt;
  std::array<char, kAttributeSize> buffer;
  const ssize_t length = read(file.get(), buffer.data(), buffer.size());
  if (length < 0) return std::nullopt;
  absl::string_view text(buffer.data(), static_cast<size_t>(length));
  absl::ConsumeSuffix(&text, "\n");
  return std::string(text);
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
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path_, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (absl::StartsWith(name, prefix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
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
