// SPDX-License-Identifier: Apache-2.0
// Real nodes for the devices that take control commands. If the kernel has CUSE and the user is
// root, /dev/nmemN and /dev/ndctlN of a shell are character devices, which also work in statically
// linked and setuid programs, which a preloaded library does not reach.
//
// A separate process serves the devices: it forwards each ioctl to the tree's daemon, as the
// preloaded library does (command_client.h). It makes a device when its name is first looked up.
// The kernel chooses two majors for each tree, and the tree's `dev` attributes show them
// (bus/nd/x/numbers). So the numbers agree, and those of two trees differ; shells on one mount
// share them and the devices.
//
// The nodes are in /dev/.nvdimmfs/control. The host's /dev has them, too, as nvdimmfs-T-nmem0,
// where T is the tree's own device number; nvdimmfs-T-dimms and nvdimmfs-T-buses reserve the
// majors. All disappear with the process.
#ifndef NVDIMMFS_TOOLS_SHELL_CONTROL_NODES_H_
#define NVDIMMFS_TOOLS_SHELL_CONTROL_NODES_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

inline constexpr char kControlPath[] = "/dev/.nvdimmfs/control";

// Whether this process may make character devices. Refused with the errno of opening
// `host_dev`/cuse, "shell.cuse". `host_dev` is the host's /dev.
absl::Status CheckControlNodes(const std::string& host_dev);

// Answers AskForNode at the other end of `socket`, and serves the nodes' users, until the socket is
// closed or SIGTERM arrives. Returns the exit code. The other end first asks for kControlReady.
// Start it while /sys is still the host's. `tree` is the top of the mounted tree.
int ServeControlNodes(int socket, const std::string& host_dev, const std::string& tree);

// A name for AskForNode: true once the tree has its majors; false if there will be no nodes.
inline constexpr char kControlReady[] = "ready";

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_CONTROL_NODES_H_
