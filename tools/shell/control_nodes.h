// Real nodes for the devices that take control commands: /dev/nmemN and /dev/ndctlN of a shell are
// character devices of the kernel's (CUSE), where it has them and the user is root. So they work in
// statically linked and setuid programs, too, which no preloaded library reaches.
//
// A process of its own answers them: it carries each ioctl to the tree's daemon, as the preloaded
// library does (command_client.h). It makes a device when its name is first looked up. The kernel
// chooses two majors for each tree, which the tree's `dev` then shows (bus/nd/x/numbers), so that
// numbers agree and shells do not meet; shells on one mount share them, and the devices.
//
// /dev/.nvdimmfs/control has the nodes. The host's /dev has them, too, as nvdimmfs-T-nmem0, where T
// is the tree's own device number, and nvdimmfs-T-dimms and nvdimmfs-T-buses, which hold the
// majors. All go with the process.
#ifndef NVDIMMFS_TOOLS_SHELL_CONTROL_NODES_H_
#define NVDIMMFS_TOOLS_SHELL_CONTROL_NODES_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

inline constexpr char kControlPath[] = "/dev/.nvdimmfs/control";

// Whether the kernel lets this process make character devices: refused with what `host_dev`/cuse
// says, "shell.cuse". `host_dev` is the host's /dev.
absl::Status CheckControlNodes(const std::string& host_dev);

// Answers AskForNode at the other end of `socket`, and who uses the nodes, until the socket is
// closed or SIGTERM comes: the exit code. It first asks for kControlReady. Start it while /sys is
// still the host's. `tree` is the top of the mounted tree.
int ServeControlNodes(int socket, const std::string& host_dev, const std::string& tree);

// A name to AskForNode for: yes once the tree has its majors; no where there will be no nodes.
inline constexpr char kControlReady[] = "ready";

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_CONTROL_NODES_H_
