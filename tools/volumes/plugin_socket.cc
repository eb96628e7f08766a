// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/plugin_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

constexpr int kFirstPassed = 3;
constexpr int kBacklog = 128;

absl::Status Failed(const std::string& path) {
  return core::Refusal(errno, "socket.make",
                       absl::StrCat("listen on ", path, ": ", strerror(errno)));
}

Descriptor NewSocket() { return Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

int Option(int socket, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

}  // namespace

absl::StatusOr<Descriptor> TakePassedSocket() {
  const char* pid = getenv("LISTEN_PID");
  const char* count = getenv("LISTEN_FDS");
  int pid_number = 0, count_number = 0;
  if (pid == nullptr || count == nullptr || !absl::SimpleAtoi(pid, &pid_number) ||
      !absl::SimpleAtoi(count, &count_number) || pid_number != getpid() || count_number == 0)
    return Descriptor();
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
  Descriptor passed(kFirstPassed);
  if (count_number != 1 || Option(kFirstPassed, SO_DOMAIN) != AF_UNIX ||
      Option(kFirstPassed, SO_TYPE) != SOCK_STREAM || Option(kFirstPassed, SO_ACCEPTCONN) != 1)
    return core::Refusal(EINVAL, "socket.activation",
                         "systemd must pass one listening unix stream socket");
  fcntl(kFirstPassed, F_SETFD, FD_CLOEXEC);
  return passed;
}

absl::StatusOr<Descriptor> MakeSocket(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return core::Refusal(ENAMETOOLONG, "socket.make",
                         absl::StrCat("listen on \"", path, "\": a socket's path has 1 to ",
                                      sizeof address.sun_path - 1, " bytes"));
  memcpy(address.sun_path, path.data(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const mode_t before = umask(0077);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  umask(before);
  struct stat stat = {};
  if (lstat(path.c_str(), &stat) == 0 && S_ISSOCK(stat.st_mode)) {
    const Descriptor probe = NewSocket();
    if (connect(probe.get(), generic, sizeof address) == 0)
      return core::Refusal(EADDRINUSE, "socket.taken",
                           absl::StrCat("another process is already listening on ", path));
    unlink(path.c_str());
  }
  Descriptor made = NewSocket();
  const mode_t mask = umask(0177);
  const int bound = bind(made.get(), generic, sizeof address);
  const int bind_error = errno;
  umask(mask);
  errno = bind_error;
  if (bound != 0 || listen(made.get(), kBacklog) != 0) return Failed(path);
  return made;
}

}  // namespace nvdimmfs::volumes
