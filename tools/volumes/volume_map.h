// SPDX-License-Identifier: Apache-2.0
// The volumes in memory and their lock: what VolumeTable and the claims that it gives share.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_MAP_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_MAP_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tools/volumes/volume.h"

namespace nvdimmfs::volumes {

struct VolumeMap {
  mutable absl::Mutex mutex;  // held for work on memory alone
  std::map<std::string, std::shared_ptr<Volume>, std::less<>> by_name ABSL_GUARDED_BY(mutex);
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_MAP_H_
