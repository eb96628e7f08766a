// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/kernel_offer.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fs/loops/uring_wire.h"
#include "fs/protocol/wire.h"

namespace nvdimmfs::fs {
namespace {

constexpr int kInitTimeout = 1000;  // ms
constexpr uint64_t Flag2(uint32_t flag) { return uint64_t{flag} << 32; }

struct Feature {
  uint64_t flag;
  const char* name;
};

// The features that handshake.cc uses.
constexpr Feature kFeatures[] = {
    {FUSE_ASYNC_DIO, "async_dio"},           {FUSE_PARALLEL_DIROPS, "parallel_dirops"},
    {FUSE_CACHE_SYMLINKS, "cache_symlinks"}, {Flag2(kDirectIoAllowMmap), "direct_io_allow_mmap"},
    {Flag2(kPassthrough), "passthrough"},    {Flag2(kOverIoUring), "over_io_uring"},
};

// The child's report: a failed step, or an offer.
struct Answer {
  int error = 0;
  const char* step = nullptr;  // a literal, at the same address in both processes
  KernelOffer offer;
};

bool Write(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const auto length = static_cast<ssize_t>(std::strlen(text));
  const bool written = write(file, text, static_cast<size_t>(length)) == length;
  close(file);
  return written;
}

// In the child, which changes namespaces; its exit closes everything.
Answer Failed(const char* step) { return {.error = errno, .step = step, .offer = {}}; }

Answer ReceiveInit(int device, int context) {
  std::array<char, 64> number;
  const auto set = [&](const char* key, const char* format, unsigned value) {
    std::snprintf(number.data(), number.size(), format, value);
    return fsconfig(context, FSCONFIG_SET_STRING, key, number.data(), 0) == 0;
  };
  if (!set("fd", "%u", static_cast<unsigned>(device)) || !set("rootmode", "%o", S_IFDIR) ||
      !set("user_id", "%u", getuid()) || !set("group_id", "%u", getgid()) ||
      fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return Failed("configure a FUSE file system");
  pollfd readable = {device, POLLIN, 0};
  const int ready = poll(&readable, 1, kInitTimeout);
  if (ready == 0) errno = ETIMEDOUT;
  if (ready <= 0) return Failed("wait for INIT on /dev/fuse");
  std::array<std::byte, FUSE_MIN_READ_BUFFER> request;
  const ssize_t length = read(device, request.data(), request.size());
  if (length < 0) return Failed("read INIT from /dev/fuse");
  const auto offer = OfferIn(absl::MakeConstSpan(request.data(), static_cast<size_t>(length)));
  if (!offer) {
    errno = EPROTO;
    return Failed("read INIT from /dev/fuse");
  }
  return {.error = 0, .step = nullptr, .offer = *offer};
}

Answer Ask() {
  int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return Failed("open /dev/fuse");
  int context = fsopen("fuse", FSOPEN_CLOEXEC);
  if (context < 0 && errno == EPERM) {
    const uid_t user = getuid();
    const gid_t group = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return Failed("make a user namespace");
    std::array<char, 64> map;
    std::snprintf(map.data(), map.size(), "%u %u 1", user, user);
    if (!Write("/proc/self/uid_map", map.data())) return Failed("write /proc/self/uid_map");
    std::snprintf(map.data(), map.size(), "%u %u 1", group, group);
    if (!Write("/proc/self/setgroups", "deny") || !Write("/proc/self/gid_map", map.data()))
      return Failed("write /proc/self/gid_map");
    // The device must have been opened in the namespace of the file system.
    close(device);
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0) return Failed("open /dev/fuse");
    context = fsopen("fuse", FSOPEN_CLOEXEC);
  }
  if (context < 0) return Failed("make a FUSE file system");
  const Answer answer = ReceiveInit(device, context);
  close(device);  // first: the kernel then aborts the connection and does not wait for a reply
  close(context);
  return answer;
}

}  // namespace

std::optional<KernelOffer> OfferIn(absl::Span<const std::byte> request) {
  fuse_in_header header;
  fuse_init_in init = {};
  // Kernels before 5.17 send no flags2.
  constexpr size_t kLeast = offsetof(fuse_init_in, flags) + sizeof init.flags;
  if (request.size() < sizeof header + kLeast) return std::nullopt;
  std::memcpy(&header, request.data(), sizeof header);
  if (header.opcode != FUSE_INIT) return std::nullopt;
  std::memcpy(&init, request.data() + sizeof header,
              std::min(sizeof init, request.size() - sizeof header));
  KernelOffer offer = {.major = init.major, .minor = init.minor, .features = init.flags};
  if ((init.flags & FUSE_INIT_EXT) != 0) offer.features |= Flag2(init.flags2);
  return offer;
}

absl::StatusOr<KernelOffer> AskKernel() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "make a pipe");
  const pid_t child = fork();
  if (child == 0) {
    const Answer answer = Ask();
    const bool told = write(ends[1], &answer, sizeof answer) == sizeof answer;
    _exit(told ? 0 : 1);
  }
  const int fork_error = errno;
  close(ends[1]);
  Answer answer;
  ssize_t length = -1;
  if (child > 0) {
    while ((length = read(ends[0], &answer, sizeof answer)) < 0 && errno == EINTR) {
    }
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close(ends[0]);
  if (child < 0) return absl::ErrnoToStatus(fork_error, "start a process");
  if (length != sizeof answer) return absl::UnknownError("the process that asked was killed");
  if (answer.step != nullptr) return absl::ErrnoToStatus(answer.error, answer.step);
  return answer.offer;
}

std::string OfferText(const KernelOffer& offer) {
  std::vector<absl::string_view> offered;
  std::vector<absl::string_view> missing;
  for (const Feature& feature : kFeatures)
    ((offer.features & feature.flag) != 0 ? offered : missing).push_back(feature.name);
  std::string text = absl::StrCat(offer.major, ".", offer.minor);
  if (!offered.empty()) absl::StrAppend(&text, " offers ", absl::StrJoin(offered, ", "));
  if (!missing.empty())
    absl::StrAppend(&text, offered.empty() ? "" : ";", " does not offer ",
                    absl::StrJoin(missing, ", "));
  return text;
}

}  // namespace nvdimmfs::fs
