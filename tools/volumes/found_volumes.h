// SPDX-License-Identifier: Apache-2.0
// Makes volumes of existing namespaces.
#ifndef NVDIMMFS_TOOLS_VOLUMES_FOUND_VOLUMES_H_
#define NVDIMMFS_TOOLS_VOLUMES_FOUND_VOLUMES_H_

#include <optional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/device_tree.h"
#include "tools/volumes/record.h"
#include "tools/volumes/source.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread.
class FoundVolumes {
 public:
  explicit FoundVolumes(VolumeTable& table) : table_(table) {}

  // Adds the volume of a record, claimed; it stays when the claim ends. Nothing if another volume
  // has the name: that is logged once, and the namespace is left alone. A volume whose namespace
  // has no block device is added with that as its error.
  std::optional<ClaimedVolume> Add(Source& source, const Record& record,
                                   const DeviceTree::Namespace& ns, absl::string_view doing);
  // Adds a volume for a namespace that no record knows, unless its label name cannot be a volume's,
  // or its mode is devdax, which has no file.
  void AddForeign(Source& source, const DeviceTree::Namespace& ns);
  // Takes over what the source shows of the volume's namespace now. Refused with ENXIO,
  // "volume.disabled", if it has no block device.
  absl::Status Update(ClaimedVolume& volume, const DeviceTree::Namespace& ns);

 private:
  VolumeTable& table_;
  absl::Mutex mutex_;
  std::set<std::string> noted_ ABSL_GUARDED_BY(mutex_);  // source and uuid of what was logged
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_FOUND_VOLUMES_H_
