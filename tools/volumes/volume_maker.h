// SPDX-License-Identifier: Apache-2.0
// Makes volumes: finds room, creates the namespace, fills it with a file system or with zeros.
//
// What is written when: record "creating"; namespace; record "formatting"; content; record "ready".
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_MAKER_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_MAKER_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/device_tree.h"
#include "tools/volumes/job.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/own_namespaces.h"
#include "tools/volumes/reclaimer.h"
#include "tools/volumes/record.h"
#include "tools/volumes/source.h"
#include "tools/volumes/state_directory.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread. Lock order: allocation_, then all others.
class VolumeMaker {
 public:
  VolumeMaker(const StateDirectory& directory, const Sources& sources, Journal& journal,
              OwnNamespaces& own, const Reclaimer& reclaimer)
      : directory_(directory),
        sources_(sources),
        journal_(journal),
        own_(own),
        reclaimer_(reclaimer) {}

  // Makes all of a new volume, or nothing: after a failure it has no source, unless undoing failed,
  // too. Commits `job` once the namespace exists. Refused with ENOSPC, "volume.room"; ENODEV,
  // "volume.region"; ECANCELED, "volume.cancelled"; as the device tree, the journal and mkfs
  // refuse.
  absl::Status Make(ClaimedVolume& volume, Job& job);
  // Makes the content of a half-made volume again; undoes the volume if it was cancelled. The
  // refusal becomes the volume's error.
  absl::Status MakeContent(ClaimedVolume& volume);

 private:
  struct Target {
    Source* source;
    DeviceTree::Region region;
  };

  absl::StatusOr<std::vector<Target>> Targets(const Record& record) const;
  absl::Status Allocate(ClaimedVolume& volume);
  absl::Status Fill(ClaimedVolume& volume);
  absl::Status FillWithFileSystem(ClaimedVolume& volume);
  absl::Status Unmake(ClaimedVolume& volume);

  const StateDirectory& directory_;
  const Sources& sources_;
  Journal& journal_;
  OwnNamespaces& own_;
  const Reclaimer& reclaimer_;
  absl::Mutex allocation_;  // held while one volume looks for room and takes it
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_MAKER_H_
