// nvdimmfs-volumes release [--socket PATH] VOLUME...
#ifndef NVDIMMFS_TOOLS_VOLUMES_RELEASE_COMMAND_H_
#define NVDIMMFS_TOOLS_VOLUMES_RELEASE_COMMAND_H_

#include "tools/commands.h"

namespace nvdimmfs::volumes {

// Where engines call.
inline constexpr char kDefaultSocket[] = "/run/docker/plugins/nvdimmfs.sock";
inline constexpr char kReleaseCommand[] = "release";

// Asks the plugin that runs to forget the mount ids of volumes and to unmount them. The exit code.
int RunReleaseCommand(const tools::Arguments& arguments);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_RELEASE_COMMAND_H_
