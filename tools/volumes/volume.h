// SPDX-License-Identifier: Apache-2.0
// A volume in memory: its record, its namespace, and what is being done to it.
//
// Thread rules: a plain value. VolumeTable owns the volumes and guards them with its lock.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_H_

#include <set>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/volumes/device_tree.h"
#include "tools/volumes/mount_users.h"
#include "tools/volumes/record.h"
#include "tools/volumes/source.h"

namespace nvdimmfs::volumes {

struct Volume {
  Record record;
  Source* source = nullptr;  // null: there is no namespace yet, or none any more
  DeviceTree::Namespace ns;
  std::string fstype;      // of the file system on it; "": it is a data file
  std::string mountpoint;  // "" while it is not mounted
  std::string doing;       // "being mounted": what the owner of the claim does; "": not claimed
  int progress = -1;       // of that, in per cent; -1: not known
  std::string error;       // why the volume is unusable; "": it is usable
  bool is_being_made = false;
  bool is_cancelled = false;  // removed while it is being made

  // Keys of the mounts that existed when the last mount id arrived, and the time of that.
  std::set<std::string> known_users;
  absl::Time changed_use = absl::Now();
  // When to look for its users again. This and is_cancelled change without a claim.
  absl::Time next_look = absl::InfinitePast();
  // Mounts whose servers died; containers may still have them.
  std::vector<MountedThing> dead;

  bool is_idle() const { return doing.empty(); }
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_H_
