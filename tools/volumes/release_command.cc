// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/release_command.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "core/base/json.h"
#include "core/base/status.h"
#include "tools/command_line.h"
#include "tools/volumes/json_text.h"
#include "tools/volumes/protocol.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

absl::Status Failed(const std::string& path, int error) {
  return core::Refusal(
      error, "release.socket",
      absl::StrCat("call the plugin at ", path, ": ", strerror(error),
                   error == ENOENT || error == ECONNREFUSED
                       ? "; is it running? Start it: systemctl start nvdimmfs-volumes; or give "
                         "--socket PATH"
                       : ""));
}

// The plugin's answer to one call, with headers.
absl::StatusOr<std::string> Exchange(const std::string& path, const std::string& request) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Failed(path, ENAMETOOLONG);
  memcpy(address.sun_path, path.data(), path.size());
  const Descriptor plugin(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!plugin ||
      connect(plugin.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Failed(path, errno);
  if (send(plugin.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return Failed(path, errno);
  std::string answer;
  std::array<char, 4096> room;
  ssize_t got;
  while ((got = recv(plugin.get(), room.data(), room.size(), 0)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(path, errno);
    answer.append(room.data(), static_cast<size_t>(got));
  }
  return answer;
}

absl::Status Release(const std::string& socket, const std::string& name) {
  const std::string body = core::Json{{"Name", name}}.Line();
  ASSIGN_OR_RETURN(const std::string answer,
                   Exchange(socket, absl::StrCat("POST ", kReleaseCall,
                                                 " HTTP/1.1\r\nHost: plugin\r\n"
                                                 "Connection: close\r\nContent-Length: ",
                                                 body.size(), "\r\n\r\n", body)));
  const size_t end = answer.find("\r\n\r\n");
  const auto json = ParseJson(absl::string_view(answer).substr(std::min(end, answer.size())));
  if (!json.ok() || !json->is_object()) return Failed(socket, EPROTO);
  const core::Json* const said = json->Find("Err");
  if (said == nullptr || said->text() == nullptr) return Failed(socket, EPROTO);
  const auto refused = *said->text();
  return refused.empty() ? absl::OkStatus() : absl::UnknownError(refused);
}

}  // namespace

int RunReleaseCommand(const tools::Arguments& arguments) {
  tools::CommandLine line(
      "Unmounts volumes that a killed engine left mounted.\n"
      "Refused while a process has the volume mounted or open; the message names that process.",
      "nvdimmfs-volumes release");
  std::string socket = kDefaultSocket;
  std::vector<std::string> names;
  line.Add("--socket", socket, "where the plugin listens", {.show_default = true});
  line.Add("VOLUME", names, "names of volumes", {.required = true});
  if (const auto code = line.Parse(arguments)) return *code;
  int code = tools::kDone;
  for (const std::string& name : names) {
    const absl::Status status = Release(socket, name);
    if (status.ok()) continue;
    std::fprintf(stderr, "nvdimmfs-volumes: %s\n", std::string(status.message()).c_str());
    code = tools::kRefused;
  }
  return code;
}

}  // namespace nvdimmfs::volumes
