// SPDX-License-Identifier: Apache-2.0
// Volumes where containers find them: mounted, watched for users, unmounted.
//
// The mount tables of all processes say who uses a volume. Mount ids are what engines said, and an
// engine that is killed says nothing.
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

  // Mounts the volume at its place, unless it is there, whole, on the node that is there now.
  // Refused as Attach.
  absl::Status Mount(ClaimedVolume& volume);
  // Whether it is there, whole, on the node that is there now.
  bool IsMounted(const Volume& volume) const;
  // Unmounts the volume. Refused with EBUSY, "volume.mounted", if somebody still uses it after
  // `patience`; it stays mounted then.
  absl::Status LetGo(ClaimedVolume& volume, absl::Duration patience);

  // What of the volume somebody may have mounted.
  std::vector<MountedThing> ThingsOf(const Volume& volume) const;
  std::vector<MountUser> UsersOf(const Volume& volume) const;
  // Whether the volume may be removed in spite of its mount ids: there are none, or a user was seen
  // since the last of them came, and none is there now. Refused with EBUSY, "volume.mounted".
  absl::Status CheckForgotten(const Volume& volume) const;
  absl::Status ForgetIds(ClaimedVolume& volume);
  // Waits until nobody has the volume's node open, or one of `things`, which we have unmounted.
  // Refused with EBUSY, "volume.mounted", after `patience`.
  absl::Status AwaitUnused(const Volume& volume, std::vector<MountedThing> things,
                           absl::Duration patience) const;

  // Notes who has the volume mounted. To be called before a new mount id is recorded: a mount that
  // appears after it belongs to that id.
  void NoteUsers(ClaimedVolume& volume);
  // Looks for users of the volumes that are due: notes a new one, unmounts what has none and no
  // mount id. How long to wait until the next call.
  absl::Duration Watch();

 private:
  Attachment AttachmentOf(const Volume& volume) const;
  void Settle(const std::string& name, const std::vector<MountUser>& users, bool is_dead_gone);

  const StateDirectory& directory_;
  VolumeTable& table_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_MOUNTS_H_
