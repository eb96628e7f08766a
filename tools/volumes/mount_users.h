// SPDX-License-Identifier: Apache-2.0
// Finds the processes that have a volume mounted, in any mount namespace.
//
// A container engine gives a volume to a container by mounting it again in the container's own
// mount namespace. That mount lives exactly as long as the container, whatever the engine reports,
// so it tells reliably who uses the volume.
//
// A mount namespace without a process is not seen: one kept only by a mounted /proc/PID/ns/mnt or
// by an open descriptor.
#ifndef NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_
#define NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {

// What to look for: every mount of a file system, or of one file in it.
struct MountedThing {
  dev_t device = 0;
  std::string root;  // the mounted file or directory of it; "": any
  // The mount's source; "": any. The kernel reuses the number of an unmounted file system, so for
  // one without a device (tmpfs) the source identifies it.
  std::string source;
};

MountedThing ThingOf(const MountEntry& entry);

bool Matches(const MountedThing& thing, const MountedThing& mounted);

// A set of things with fast lookup.
class ThingSet {
 public:
  explicit ThingSet(const std::vector<MountedThing>& things);
  bool HasDevice(dev_t device) const { return things_.contains(device); }
  // Whether one of them matches.
  bool Has(const MountedThing& mounted) const;

 private:
  friend class UserIndex;
  using OneRoot = std::vector<MountedThing>;
  absl::flat_hash_map<dev_t, absl::flat_hash_map<std::string, OneRoot>> things_;
};

struct MountUser {
  pid_t pid = 0;          // a process that sees the mount; 0: all that share our mount namespace
  std::string command;    // its name
  std::string container;  // the first digits of the id in its cgroup's name; "" if there is none
  std::string place;      // where it sees it
  MountedThing thing;     // what is mounted there
};

enum class Looking {
  kAtProcesses,
  kAtThreads,  // which may have mount namespaces of their own: slower
};

// Finds who has one of `things` mounted, except at `own_top` or below. (Copies of the plugin's
// mounts on the same directories in other mount namespaces disappear with these directories.)
std::vector<MountUser> FindMountUsers(const std::vector<MountedThing>& things,
                                      const std::string& own_top,
                                      Looking looking = Looking::kAtProcesses);

// Users with fast lookup by thing.
class UserIndex {
 public:
  explicit UserIndex(const std::vector<MountUser>& users);
  // Each user once, in no particular order.
  std::vector<MountUser> Of(const std::vector<MountedThing>& things) const;

 private:
  absl::flat_hash_map<dev_t, absl::flat_hash_map<std::string, std::vector<MountUser>>> users_;
};

// Finds who has a file at `place` or below open, or as working or root directory.
std::vector<MountUser> FindFileUsers(const std::string& place);

// "process 4711 (postgres) of container 0123456789ab has /data"; for several, the first three and
// how many more there are.
std::string Describe(const std::vector<MountUser>& users);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_
