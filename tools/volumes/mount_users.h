// Who has a volume mounted: in any mount namespace that a process is in.
//
// A container engine shows a volume to a container by mounting it once more, in the container's own
// mount namespace. That mount lives and dies with the container, whatever the engine says or fails
// to say; so it is the truth about who uses the volume.
//
// Not seen: a mount namespace without any process in it (one that is kept by a mounted
// /proc/PID/ns/mnt or by an open descriptor alone).
#ifndef NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_
#define NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nvdimmfs::volumes {

// What is looked for: every mount of a file system, or of one file of it.
struct MountedThing {
  dev_t device = 0;
  std::string root;  // "": whatever of it is mounted
};

bool Matches(const MountedThing& thing, dev_t device, absl::string_view root);

struct MountUser {
  pid_t pid = 0;          // a process that sees the mount; 0: all that share our mount namespace
  std::string command;    // its name
  std::string container;  // the first digits of the id in its cgroup's name; "" where there is none
  std::string place;      // where it sees it
  MountedThing thing;     // what is mounted there
};

enum class Looking {
  kAtProcesses,
  kAtThreads,  // which may have mount namespaces of their own: slower
};

// Who has one of `things` mounted, but not at `own_top` or below. (Copies of a mount of ours that
// are on the same directory in other mount namespaces go with that directory.)
std::vector<MountUser> FindMountUsers(const std::vector<MountedThing>& things,
                                      const std::string& own_top,
                                      Looking looking = Looking::kAtProcesses);

// Who has a file at `place` or below open, or as working or root directory.
std::vector<MountUser> FindFileUsers(const std::string& place);

// "process 4711 (postgres) of container 0123456789ab has /data"; for several, the first three and
// how many more there are.
std::string Describe(const std::vector<MountUser>& users);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_
