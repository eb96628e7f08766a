// SPDX-License-Identifier: Apache-2.0
// nvdimmfs-volumes release [--socket PATH] VOLUME...
#ifndef NVDIMMFS_TOOLS_VOLUMES_RELEASE_COMMAND_H_
#define NVDIMMFS_TOOLS_VOLUMES_RELEASE_COMMAND_H_

#include "tools/commands.h"

namespace nvdimmfs::volumes {

// The socket that engines connect to.
inline constexpr char kDefaultSocket[] = "/run/docker/plugins/nvdimmfs.sock";
inline constexpr char kReleaseCommand[] = "release";

// Asks the running plugin to unmount volumes and to forget their mount ids. Returns the exit code.
int RunReleaseCommand(const tools::Arguments& arguments);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_RELEASE_COMMAND_H_
