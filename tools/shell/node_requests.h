// How the view of /dev asks another process to see to it that a node is there, over a
// SOCK_SEQPACKET: a name, and one byte back.
#ifndef NVDIMMFS_TOOLS_SHELL_NODE_REQUESTS_H_
#define NVDIMMFS_TOOLS_SHELL_NODE_REQUESTS_H_

#include <functional>
#include <string>

namespace nvdimmfs::tools {

// Whether the process at the other end of `socket` has a node `name` now ("pmem0").
bool AskForNode(int socket, const std::string& name);

// Takes one request and answers what `ensure` says. False once there will be no more.
bool AnswerNodeRequest(int socket, const std::function<bool(const std::string& name)>& ensure);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_NODE_REQUESTS_H_
