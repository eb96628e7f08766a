#include "tools/volumes/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/status.h"
#include "tools/source.h"
#include "tools/volumes/command.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/short_hash.h"

namespace nvdimmfs::volumes {
namespace {

// How long a server that somebody before us was starting may take to appear.
constexpr absl::Duration kPatience = absl::Seconds(4);
constexpr absl::Duration kPause = absl::Milliseconds(50);

std::string AbsolutePath(const std::string& name) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(name, error);
  return error ? name : real.string();
}

// The text with its file's absolute path, for a server that runs elsewhere.
std::string AbsoluteText(const std::string& text) {
  const auto [name, options] = tools::SplitSource(text);
  std::string absolute = AbsolutePath(name);
  for (const auto& [key, value] : options)
    absl::StrAppend(&absolute, ",", key, value.empty() ? "" : "=", value);
  return absolute;
}

// A directory's name that says which source it is and differs for each.
std::string DirectoryName(const std::string& path) {
  std::string name;
  for (const char c : path.substr(path.rfind('/') + 1).substr(0, 64))
    name += absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ? c : '_';
  return absl::StrCat("s-", name, "-", ShortHash(path));
}

// By its path, so that its processes can be told by their name; unless an update took it away.
std::string ThisProgram() {
  constexpr char kLink[] = "/proc/self/exe";
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink(kLink, error);
  return !error && std::filesystem::exists(path, error) ? path.string() : kLink;
}

}  // namespace

Source::Source(const std::string& text, const std::string& directory)
    : text_(AbsoluteText(text)),
      path_(AbsolutePath(tools::SplitSource(text).first)),
      tree_(absl::StrCat(directory, "/", DirectoryName(path_))) {}

std::string Source::name() const { return path_.substr(path_.rfind('/') + 1); }

bool Source::IsServed() const {
  struct stat stat = {};
  return ::stat(absl::StrCat(tree_.mountpoint(), "/bus/nd/devices").c_str(), &stat) == 0;
}

absl::Status Source::Serve() {
  const std::string& place = tree_.mountpoint();
  const absl::Time end = absl::Now() + kPatience;
  while (true) {
    if (IsServed()) return absl::OkStatus();
    RETURN_IF_ERROR(UnmountTree(place));  // of a server that died
    if (mkdir(place.c_str(), 0700) != 0 && errno != EEXIST)
      return core::Refusal(errno, "source.serve",
                           absl::StrCat("make ", place, ": ", strerror(errno)));
    const absl::Status status =
        RunCommand({ThisProgram(), kServe, "-o", "allow_other,nosuid,nodev", text_, place},
                   Fate::kOutlivesUs);
    if (status.ok()) return absl::OkStatus();
    // A server whose starter was killed is on its way, and one that was killed on its way out.
    if (!absl::StrContains(status.message(), "[EBUSY") || absl::Now() > end)
      return core::Refusal(core::ErrnoOf(status), "source.serve", status.message());
    absl::SleepFor(kPause);
  }
}

absl::Status Source::Stop() {
  RETURN_IF_ERROR(UnmountTree(tree_.mountpoint()));
  rmdir(tree_.mountpoint().c_str());
  return absl::OkStatus();
}

}  // namespace nvdimmfs::volumes
