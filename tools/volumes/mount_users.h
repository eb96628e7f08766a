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

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {

// What is looked for: every mount of a file system, or of one file of it.
struct MountedThing {
  dev_t device = 0;
  std::string root;  // "": whatever of it is mounted
  // What it was mounted from; "": whatever. The kernel gives the number of a file system that is
  // gone to the next one, so of one without a device (tmpfs) this tells whose it is.
  std::string source;
};

MountedThing ThingOf(const MountEntry& entry);

bool Matches(const MountedThing& thing, const MountedThing& mounted);

// Things, to be asked at once for any of them.
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

// Users, to be asked at once for those of a thing.
class UserIndex {
 public:
  explicit UserIndex(const std::vector<MountUser>& users);
  // Each once, in no order.
  std::vector<MountUser> Of(const std::vector<MountedThing>& things) const;

 private:
  absl::flat_hash_map<dev_t, absl::flat_hash_map<std::string, std::vector<MountUser>>> users_;
};

// Who has a file at `place` or below open, or as working or root directory.
std::vector<MountUser> FindFileUsers(const std::string& place);

// "process 4711 (postgres) of container 0123456789ab has /data"; for several, the first three and
// how many more there are.
std::string Describe(const std::vector<MountUser>& users);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_MOUNT_USERS_H_
