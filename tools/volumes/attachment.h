// A volume where containers find it: a mounted file system, or a directory with the data file.
//
// Each call is whole or undone; what a killed process left half is taken away by Detach.
#ifndef NVDIMMFS_TOOLS_VOLUMES_ATTACHMENT_H_
#define NVDIMMFS_TOOLS_VOLUMES_ATTACHMENT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tools/volumes/volume_options.h"

namespace nvdimmfs::volumes {

// The name of the data file in a volume that is not a file system.
inline constexpr char kDataName[] = "data";

struct Attachment {
  std::string place;           // the directory; made where it is missing
  std::string node;            // the namespace's data file
  bool is_held = true;         // somebody may have the node open: a loop device, say
  std::string loop;            // the loop device over it that the caller holds; "": found or made
  uint32_t sector_size = 512;  // of the node
  std::string fstype;          // "": a directory with the data file
  std::string folder;          // how mount tables call that directory: FolderName
  VolumeOptions options;       // owner, permissions, ro
};

// Tells the directory of the volume with that uuid from all other mounts.
std::string FolderName(const std::string& uuid);

// Makes it. A file system that a left loop device still holds is mounted from that one.
absl::Status Attach(const Attachment& attachment);

// Unmounts whatever is at `place`, busy or not, and removes the directory.
absl::Status Detach(const std::string& place);
// The same unless it is busy. Refused as UnmountIdle.
absl::Status DetachIdle(const std::string& place, absl::Duration patience);

// Whether it is there, whole, answers, and stands on the node that there is now: not on one of a
// server that died.
bool IsAttached(const Attachment& attachment);

// Waits until there is no loop device over `node`. Refused with EBUSY, "volume.held", where
// somebody still has it after `patience`: a process in another mount namespace, or one on its way
// out.
absl::Status AwaitRelease(const std::string& node, absl::Duration patience);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_ATTACHMENT_H_
