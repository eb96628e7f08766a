// SPDX-License-Identifier: Apache-2.0
// Volumes where containers find them: mounted, watched for users, unmounted.
//
// The mount tables of all processes show who uses a volume. Mount ids only show what engines have
// reported, and an engine that is killed reports nothing.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_MOUNTS_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_MOUNTS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/mount_users.h"
#include "tools/volumes/state_directory.h"
#include "tools/volumes/volume.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread; Watch from one.
class VolumeMounts {
 public:
  VolumeMounts(const StateDirectory& directory, VolumeTable& table)
      : directory_(directory), table_(table) {}

  // Mounts the volume at its place, unless it is already mounted there, as a whole, on the current
  // node. Refused as Attach.
  absl::Status Mount(ClaimedVolume& volume);
  // Whether it is mounted there, as a whole, on the current node.
  bool IsMounted(const Volume& volume) const;
  // Unmounts the volume. Refused with EBUSY, "volume.mounted", if a process still uses it
  // after `patience`; it then stays mounted.
  absl::Status LetGo(ClaimedVolume& volume, absl::Duration patience);

  // The parts of the volume that a process may have mounted.
  std::vector<MountedThing> ThingsOf(const Volume& volume) const;
  std::vector<MountUser> UsersOf(const Volume& volume) const;
  // OK if the volume may be removed in spite of its mount ids: there are none, or a user was seen
  // since the last of them arrived, and there is none now. Refused with EBUSY, "volume.mounted".
  absl::Status CheckForgotten(const Volume& volume) const;
  absl::Status ForgetIds(ClaimedVolume& volume);
  // Waits until no process has the volume's node open, or any of `things`, which are unmounted.
  // Refused with EBUSY, "volume.mounted", after `patience`.
  absl::Status AwaitUnused(const Volume& volume, std::vector<MountedThing> things,
                           absl::Duration patience) const;

  // Records who has the volume mounted. Call it before recording a new mount id: a mount that
  // appears later belongs to that id.
  void NoteUsers(ClaimedVolume& volume);
  // Looks for users of the volumes that are due: records new ones, and unmounts volumes without
  // users and mount ids. Returns how long to wait until the next call.
  absl::Duration Watch();

 private:
  Attachment AttachmentOf(const Volume& volume) const;
  void Settle(const std::string& name, const std::vector<MountUser>& users, bool is_dead_gone);

  const StateDirectory& directory_;
  VolumeTable& table_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_MOUNTS_H_
