// SPDX-License-Identifier: Apache-2.0
// How the view of /dev asks another process to make a node, over a SOCK_SEQPACKET socket: the
// request is a name, the reply one byte.
#ifndef NVDIMMFS_TOOLS_SHELL_NODE_REQUESTS_H_
#define NVDIMMFS_TOOLS_SHELL_NODE_REQUESTS_H_

#include <functional>
#include <string>

namespace nvdimmfs::tools {

// Whether the process at the other end of `socket` has a node `name` now ("pmem0").
bool AskForNode(int socket, const std::string& name);

// Answers one request with the result of `ensure`. False once the other end is closed.
bool AnswerNodeRequest(int socket, const std::function<bool(const std::string& name)>& ensure);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_NODE_REQUESTS_H_
