// SPDX-License-Identifier: Apache-2.0
// A volume where containers find it: a mounted file system, or a directory with the data file.
//
// Each call succeeds as a whole or has no effect. Detach removes what a killed process left half
// done.
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
  std::string place;           // the directory; created if it is missing
  std::string node;            // the namespace's data file
  bool is_held = true;         // the node may be open, for example by a loop device
  std::string loop;            // the loop device over it that the caller holds; "": found or made
  uint32_t sector_size = 512;  // of the node
  std::string fstype;          // "": a directory with the data file
  std::string folder;          // the directory's source in mount tables: FolderName
  VolumeOptions options;       // owner, permissions, ro
};

// The source of the tmpfs for the volume with that uuid; it differs from those of all other mounts.
std::string FolderName(const std::string& uuid);

// Mounts the volume. If a loop device over the node exists, the file system is mounted from it.
absl::Status Attach(const Attachment& attachment);

// Unmounts everything at `place`, busy or not, and removes the directory.
absl::Status Detach(const std::string& place);
// The same, unless a mount is busy. Refused as UnmountIdle.
absl::Status DetachIdle(const std::string& place, absl::Duration patience);

// Whether the volume is mounted as a whole, answers, and is on the current node, not on that of a
// server that died.
bool IsAttached(const Attachment& attachment);

// Waits until there is no loop device over `node`. Refused with EBUSY, "volume.held", if there
// still is one after `patience`: a process in another mount namespace, or one that is exiting, uses
// it.
absl::Status AwaitRelease(const std::string& node, absl::Duration patience);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_ATTACHMENT_H_
