// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_keeper.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/status.h"

namespace nvdimmfs::fs {
namespace {

// As ps(1) shows it; at most 15 bytes.
constexpr char kName[] = "nvdimmfs-keeper";

enum class Wish : int32_t { kOpenBacking, kCloseBacking, kWriteBack, kUnmount };

struct Request {
  Wish wish;
  int32_t backing = 0;
};
constexpr size_t kMostFiles = 2;

// Descriptors that come with a request; closed at the end.
struct Received {
  Request request = {};
  std::array<int, kMostFiles> files = {-1, -1};
  ~Received() {
    for (const int file : files)
      if (file >= 0) close(file);
  }
};

union Control {
  cmsghdr header;
  std::array<char, CMSG_SPACE(kMostFiles * sizeof(int))> room;
};

bool Send(int socket, const Request& request, absl::Span<const int> files) {
  Control control = {};
  iovec part = {const_cast<Request*>(&request), sizeof request};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!files.empty()) {
    message.msg_control = control.room.data();
    message.msg_controllen = CMSG_SPACE(files.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), files.data(), files.size() * sizeof(int));
  }
  ssize_t n;
  do {
    n = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof request);
}

// False at the end of the daemon.
bool Receive(int socket, Received& received) {
  Control control = {};
  iovec part = {&received.request, sizeof received.request};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.room.data();
  message.msg_controllen = control.room.size();
  ssize_t n;
  do {
    n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return false;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::memcpy(received.files.data(), CMSG_DATA(header),
                  std::min(count, kMostFiles) * sizeof(int));
    }
  return n == static_cast<ssize_t>(sizeof received.request);
}

// The mount's own top: a mount that is gone must not cause another file system to be written back.
int32_t WriteBackAt(const char* mountpoint) {
  const int top = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return errno;
  struct statfs what = {};
  const bool is_fuse = fstatfs(top, &what) == 0 && what.f_type == FUSE_SUPER_MAGIC;
  const int error = is_fuse && syncfs(top) != 0 ? errno : 0;
  close(top);
  return error;
}

// As libfuse does: an ordinary user's mount is fusermount3's.
int32_t UnmountAt(const char* mountpoint) {
  // It may be gone: then what lies below it must stay.
  struct statfs what = {};
  if (statfs(mountpoint, &what) == 0 && what.f_type != FUSE_SUPER_MAGIC) return EINVAL;
  if (umount2(mountpoint, MNT_DETACH) == 0) return 0;
  const int error = errno;
  if (geteuid() == 0) return error;
  const pid_t child = fork();
  if (child == 0) {
    execlp("fusermount3", "fusermount3", "-u", "-q", "-z", "--", mountpoint, nullptr);
    _exit(127);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : error;
}

int32_t Fulfil(const Received& received, const char* mountpoint) {
  BackingCalls calls;
  switch (received.request.wish) {
    case Wish::kOpenBacking:
      return calls.OpenBacking(received.files[0], received.files[1]);
    case Wish::kCloseBacking:
      calls.CloseBacking(received.files[0], received.request.backing);
      return 0;
    case Wish::kWriteBack:
      return WriteBackAt(mountpoint);
    case Wish::kUnmount:
      return UnmountAt(mountpoint);
  }
  return EINVAL;
}

// The Nth of the numbers in /proc/self/stat, as proc(5) counts them; 0 if there is none.
uintptr_t StatNumber(const std::string& stat, int n) {
  // The second is the name, in parentheses.
  const size_t name = stat.rfind(')');
  if (name == std::string::npos) return 0;
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::string_view(stat).substr(name + 1), ' ', absl::SkipEmpty());
  uintptr_t number = 0;
  const size_t at = static_cast<size_t>(n) - 3;
  return at < words.size() && absl::SimpleAtoi(words[at], &number) ? number : 0;
}

// So that programs that look for the daemon by its command line do not find its keeper.
void NameProcess() {
  prctl(PR_SET_NAME, kName);
  std::string stat;
  std::getline(std::ifstream("/proc/self/stat"), stat);
  const uintptr_t first = StatNumber(stat, 48), end = StatNumber(stat, 49);  // of the arguments
  if (first == 0 || end < first + sizeof kName) return;
  char* const arguments = reinterpret_cast<char*>(first);
  std::fill(arguments, arguments + (end - first), '\0');
  std::copy(std::begin(kName), std::end(kName), arguments);
}

// All that can be ignored: a service manager signals all processes of a service, and a terminal all
// of its programs.
void IgnoreSignals() {
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGCHLD) signal(number, SIG_IGN);
}

[[noreturn]] void Keep(int socket, const char* mountpoint, const std::function<void()>& confine) {
  IgnoreSignals();
  setsid();
  NameProcess();
  constexpr int kSocket = 3;
  if (dup3(socket, kSocket, O_CLOEXEC) < 0 && socket != kSocket) _exit(1);
  close_range(kSocket + 1, ~0u, 0);
  if (const int null = open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0) {
    for (const int stream : {0, 1, 2}) dup2(null, stream);
    close(null);
  }
  if (chdir("/") != 0) _exit(1);
  // An ordinary user's runs fusermount3, which must get its rights.
  if (geteuid() == 0 && confine != nullptr) confine();
  while (true) {
    Received received;
    if (!Receive(kSocket, received)) _exit(0);
    const int32_t answer = Fulfil(received, mountpoint);
    if (send(kSocket, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) _exit(0);
  }
}

// The keeper's answer; nothing if it is gone.
std::optional<int32_t> Ask(int socket, const Request& request, absl::Span<const int> files) {
  if (!Send(socket, request, files)) return std::nullopt;
  int32_t answer = 0;
  ssize_t n;
  do {
    n = recv(socket, &answer, sizeof answer, 0);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof answer) return std::nullopt;
  return answer;
}

}  // namespace

absl::StatusOr<std::shared_ptr<MountKeeper>> MountKeeper::Start(
    const std::string& mountpoint, const std::function<void()>& confine) {
  const auto failed = [](absl::string_view step) {
    return core::Refusal(errno, "harden.keeper",
                         absl::StrCat("start the mount's keeper: ", step, ": ", strerror(errno)));
  };
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    return failed("make a socket");
  const pid_t child = fork();
  if (child == 0) Keep(sockets[1], mountpoint.c_str(), confine);
  const int error = errno;
  close(sockets[1]);
  if (child > 0) return std::shared_ptr<MountKeeper>(new MountKeeper(sockets[0], child));
  close(sockets[0]);
  errno = error;
  return failed("start a process");
}

MountKeeper::~MountKeeper() {
  close(socket_);
  while (waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int32_t MountKeeper::OpenBacking(int device, int file) {
  absl::MutexLock lock(&mutex_);
  return Ask(socket_, {.wish = Wish::kOpenBacking}, {device, file}).value_or(-1);
}

void MountKeeper::CloseBacking(int device, int32_t backing) {
  absl::MutexLock lock(&mutex_);
  Ask(socket_, {.wish = Wish::kCloseBacking, .backing = backing}, {device});
}

void MountKeeper::WriteBack() {
  absl::MutexLock lock(&mutex_);
  Ask(socket_, {.wish = Wish::kWriteBack}, {});
}

bool MountKeeper::Unmount() {
  absl::MutexLock lock(&mutex_);
  return Ask(socket_, {.wish = Wish::kUnmount}, {}) == 0;
}

}  // namespace nvdimmfs::fs
