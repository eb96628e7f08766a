// SPDX-License-Identifier: Apache-2.0
#include "tools/log/log_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nvdimmfs::tools {
namespace {

std::string Resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  return real == nullptr ? path : std::string(real.get());
}

}  // namespace

LogSocket::LogSocket(std::string path) {
  path = Resolved(path);
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos)
    folder_ = open(path.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  path_ = folder_ < 0 ? path : absl::StrCat("/proc/self/fd/", folder_, path.substr(slash));
  Connect();
}

LogSocket::~LogSocket() {
  for (const int open : {socket_, folder_})
    if (open >= 0) close(open);
}

bool LogSocket::Connect() {
  if (socket_ >= 0) close(std::exchange(socket_, -1));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.c_str(), path_.size());
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const int made = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) return false;
    if (connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      socket_ = made;
      is_stream_ = type == SOCK_STREAM;
      return true;
    }
    const bool other_type = errno == EPROTOTYPE;
    close(made);
    if (!other_type) return false;
  }
  return false;
}

bool LogSocket::SendNow(const std::string& message) const {
  // On a stream, each message needs a terminator.
  const size_t size = message.size() + (is_stream_ ? 1 : 0);
  return send(socket_, message.c_str(), size, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(size);
}

bool LogSocket::Send(const std::string& message) {
  if (socket_ >= 0) {
    if (SendNow(message)) return true;
    if (errno == EAGAIN || errno == ENOBUFS) return false;
  }
  return Connect() && SendNow(message);
}

}  // namespace nvdimmfs::tools
