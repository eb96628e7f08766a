// SPDX-License-Identifier: Apache-2.0
#include "backends/file_users.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "backends/posix/folder.h"

namespace nvdimmfs::backends {
namespace {

// The names in a folder that are numbers.
std::vector<int> NumbersIn(const std::string& folder) {
  std::vector<int> numbers;
  for (const std::string& name : posix::ReadFolder(folder).value_or(std::vector<std::string>())) {
    int number = 0;
    if (absl::SimpleAtoi(name, &number)) numbers.push_back(number);
  }
  return numbers;
}

// Device and inode, without contacting a file server that may not answer.
struct FileIdentity {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
std::optional<FileIdentity> IdentityOf(int folder, const char* path, int flags) {
  struct statx status;
  if (statx(folder, path, flags | AT_STATX_DONT_SYNC, STATX_INO, &status) != 0) return std::nullopt;
  return FileIdentity{status.stx_dev_major, status.stx_dev_minor, status.stx_ino};
}

// One line of /proc/PID/maps: "start-end perms offset dev inode path".
struct MapsLine {
  std::string range, permissions, offset, device, inode;
  // How the kernel names the mapped file here. Not always what stat says (btrfs, overlayfs).
  std::string file() const { return absl::StrCat(device, " ", inode); }
};
bool ReadMapsLine(std::istream& in, MapsLine& line) {
  std::string text;
  if (!std::getline(in, text)) return false;
  std::istringstream fields(text);
  fields >> line.range >> line.permissions >> line.offset >> line.device >> line.inode;
  return true;
}

// The value of MapsLine::file() for a mapping of `fd`; "" if it cannot be determined.
std::string NameInMaps(int fd) {
  void* at = mmap(nullptr, 1, PROT_NONE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return "";
  std::ifstream maps("/proc/self/maps");
  const auto address = reinterpret_cast<uintptr_t>(at);
  std::string name;
  for (MapsLine line; name.empty() && ReadMapsLine(maps, line);) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(line.range, absl::MaxSplits('-', 1));
    uintptr_t start = 0;
    uintptr_t end = 0;
    if (absl::SimpleHexAtoi(ends.first, &start) && absl::SimpleHexAtoi(ends.second, &end) &&
        start <= address && address < end)
      name = line.file();
  }
  munmap(at, 1);
  return name;
}

struct Wanted {
  std::optional<FileIdentity> identity;
  std::string name_in_maps;
  int own_fd;
};

bool LookAtDescriptors(const Wanted& wanted, FileUser& user) {
  const std::string folder = absl::StrCat("/proc/", user.pid, "/fd");
  bool found = false;
  for (int fd : NumbersIn(folder)) {
    if (user.pid == getpid() && fd == wanted.own_fd) continue;
    const std::string link = absl::StrCat(folder, "/", fd);
    if (IdentityOf(AT_FDCWD, link.c_str(), 0) != wanted.identity) continue;
    found = true;
    // The link's own mode tells how the file is open.
    struct stat status;
    if (lstat(link.c_str(), &status) == 0 && (status.st_mode & S_IWUSR) != 0) user.writes = true;
  }
  return found;
}

bool LookAtMappings(const Wanted& wanted, FileUser& user) {
  if (wanted.name_in_maps.empty()) return false;
  std::ifstream maps(absl::StrCat("/proc/", user.pid, "/maps"));
  for (MapsLine line; ReadMapsLine(maps, line);) {
    if (line.file() != wanted.name_in_maps) continue;
    user.maps = true;
    if (line.permissions.size() == 4 && line.permissions[1] == 'w' && line.permissions[3] == 's')
      user.writes = true;
  }
  return user.maps;
}

}  // namespace

std::vector<FileUser> FindFileUsers(int fd) {
  const Wanted wanted = {IdentityOf(fd, "", AT_EMPTY_PATH), NameInMaps(fd), fd};
  std::vector<FileUser> users;
  if (!wanted.identity) return users;
  for (int pid : NumbersIn("/proc")) {
    FileUser user;
    user.pid = pid;
    const bool open = LookAtDescriptors(wanted, user);
    const bool mapped = LookAtMappings(wanted, user);
    if (!open && !mapped) continue;
    std::ifstream comm(absl::StrCat("/proc/", pid, "/comm"));
    std::getline(comm, user.command);
    users.push_back(user);
  }
  return users;
}

bool SeesAllProcesses() {
  // The kernel's number of the first namespace of processes (PROC_PID_INIT_INO).
  constexpr absl::string_view kFirst = "pid:[4026531836]";
  std::array<char, 64> name{};
  const ssize_t length = readlink("/proc/self/ns/pid", name.data(), name.size());
  return geteuid() == 0 && length > 0 &&
         absl::string_view(name.data(), static_cast<size_t>(length)) == kFirst;
}

LeaseAnswer AskByLease(int fd) {
  const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
  // If a process opens the file during the lease, the kernel sends a signal. Choose one that is
  // ignored by default: the usual SIGIO would kill this process.
  fcntl(fd, F_SETSIG, SIGURG);
  const int answer = fcntl(fd, F_SETLEASE, mode == O_RDONLY ? F_RDLCK : F_WRLCK);
  const int error = errno;
  if (answer == 0) fcntl(fd, F_SETLEASE, F_UNLCK);
  fcntl(fd, F_SETSIG, 0);
  fcntl(fd, F_SETOWN, 0);
  if (answer == 0) return LeaseAnswer::kFree;
  return error == EAGAIN ? LeaseAnswer::kInUse : LeaseAnswer::kUnknown;
}

}  // namespace nvdimmfs::backends
