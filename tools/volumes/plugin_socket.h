// SPDX-License-Identifier: Apache-2.0
// The socket that container engines connect to: systemd's, or the plugin's own.
#ifndef NVDIMMFS_TOOLS_VOLUMES_PLUGIN_SOCKET_H_
#define NVDIMMFS_TOOLS_VOLUMES_PLUGIN_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::volumes {

// The one listening unix socket that systemd passed (sd_listen_fds(3)); an empty Descriptor if it
// passed none. Refused with EINVAL, "socket.activation", for another number or kind of sockets.
absl::StatusOr<posix::Descriptor> TakePassedSocket();

// Creates the socket `path`, mode 0600, and missing directories, mode 0700, and listens on it. A
// stale socket is replaced. Refused with EADDRINUSE, "socket.taken", if another process listens on
// it.
absl::StatusOr<posix::Descriptor> MakeSocket(const std::string& path);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_PLUGIN_SOCKET_H_
