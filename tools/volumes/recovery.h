// SPDX-License-Identifier: Apache-2.0
// What a start makes of the records and mounts that a killed predecessor left, and of those whose
// source was not served for a while.
//
//   record "creating"    the namespace is destroyed: nobody was told that it exists
//   record "formatting"  the content is made again
//   record "ready"       mounted again if it has mount ids of this boot; else unmounted when unused
//   record "removing"    erased again, and freed
//   no namespace         the record is dropped; it waits if its source is not served
#ifndef NVDIMMFS_TOOLS_VOLUMES_RECOVERY_H_
#define NVDIMMFS_TOOLS_VOLUMES_RECOVERY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/volumes/background_work.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/found_namespaces.h"
#include "tools/volumes/found_volumes.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/own_namespaces.h"
#include "tools/volumes/reclaimer.h"
#include "tools/volumes/record.h"
#include "tools/volumes/source.h"
#include "tools/volumes/state_directory.h"
#include "tools/volumes/volume_maker.h"
#include "tools/volumes/volume_mounts.h"

namespace nvdimmfs::volumes {

// Thread rules: one thread at a time; the work that it begins goes on behind.
class Recovery {
 public:
  // What it works on; all of it outlives the recovery.
  struct Parts {
    const StateDirectory& directory;
    const Sources& sources;
    Journal& journal;
    OwnNamespaces& own;
    FoundVolumes& volumes;
    VolumeMounts& mounts;
    VolumeMaker& maker;
    Reclaimer& reclaimer;
    BackgroundWork& background;
  };
  explicit Recovery(const Parts& parts) : parts_(parts) {}

  // The records, without the mount ids of earlier boots. Unmounts what belongs to no ready volume.
  // Refused as Journal::Load.
  absl::StatusOr<std::vector<Record>> LoadRecords();
  // Settles each record. Refused as Journal::Drop and DeviceTree::Destroy.
  absl::Status Recover(const std::vector<Record>& records, const FoundNamespaces& found);

  // A source is served now: settles the records that waited for it. Refused likewise.
  absl::Status RecoverPostponed(const FoundNamespaces& found);
  // The server of the volume's source was replaced, or could not be: mounts the volume again, or
  // makes the reason its error.
  void Restore(ClaimedVolume volume, const absl::StatusOr<FoundNamespaces>& found);

 private:
  absl::Status RecoverRecord(const Record& record, const FoundNamespaces& found);
  absl::Status RecoverLost(const Record& record, const FoundNamespaces& found);
  void RecoverReady(const Record& record, Source& source, const DeviceTree::Namespace& ns);
  void AdoptMount(ClaimedVolume& volume);
  void MakeContentAgain(ClaimedVolume volume);
  Source* SourceOf(const Record& record) const;

  const Parts parts_;
  std::vector<Record> postponed_;  // until their source is served
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_RECOVERY_H_
