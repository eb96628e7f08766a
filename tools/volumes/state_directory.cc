// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

constexpr absl::Duration kPredecessor = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Milliseconds(20);

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && chmod(path.c_str(), 0700) == 0) return absl::OkStatus();
  const int number = error ? error.value() : errno;
  return core::Refusal(number, "volumes.root",
                       absl::StrCat("create directory ", path, ": ", strerror(number)));
}

absl::StatusOr<Descriptor> Lock(const std::string& root) {
  const std::string path = root + "/lock";
  Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock)
    return core::Refusal(errno, "volumes.root", absl::StrCat("open ", path, ": ", strerror(errno)));
  const absl::Time end = absl::Now() + kPredecessor;
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || absl::Now() > end)
      return core::Refusal(
          EBUSY, "volumes.root",
          absl::StrCat(
              "directory ", root,
              " is in use by another nvdimmfs-volumes; stop it, or choose another --root"));
    absl::SleepFor(kPause);
  }
  return lock;
}

}  // namespace

absl::StatusOr<StateDirectory> StateDirectory::Open(std::string root) {
  for (const char* below : {"", "/journal", "/sources", "/volumes"})
    RETURN_IF_ERROR(MakeDirectory(root + below));
  ASSIGN_OR_RETURN(Descriptor lock, Lock(root));
  return StateDirectory(std::move(root), std::move(lock));
}

std::string StateDirectory::PlaceOf(absl::string_view name) const {
  return absl::StrCat(volumes(), "/", name);
}

std::string StateDirectory::NameAt(absl::string_view place) const {
  const absl::string_view below = place.substr(std::min(place.size(), volumes().size() + 1));
  return std::string(below.substr(0, below.find('/')));
}

}  // namespace nvdimmfs::volumes
