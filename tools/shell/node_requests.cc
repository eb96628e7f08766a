// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/node_requests.h"

#include <sys/socket.h>
#include <sys/types.h>

namespace nvdimmfs::tools {
namespace {

// The longest name in a request: with a namespace's and a partition's number.
constexpr size_t kLongestName = 64;

}  // namespace

bool AskForNode(int socket, const std::string& name) {
  if (name.empty() || name.size() >= kLongestName) return false;
  char answer = 0;
  return send(socket, name.data(), name.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(name.size()) &&
         recv(socket, &answer, 1, 0) == 1 && answer == 1;
}

bool AnswerNodeRequest(int socket, const std::function<bool(const std::string& name)>& ensure) {
  char name[kLongestName];
  const ssize_t length = recv(socket, name, sizeof name, 0);
  if (length <= 0) return false;
  const char answer = ensure(std::string(name, static_cast<size_t>(length))) ? 1 : 0;
  return send(socket, &answer, 1, MSG_NOSIGNAL) == 1;
}

}  // namespace nvdimmfs::tools
