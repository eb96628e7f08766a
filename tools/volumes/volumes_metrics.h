// SPDX-License-Identifier: Apache-2.0
// What the plugin measures, as OpenMetrics.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUMES_METRICS_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUMES_METRICS_H_

#include <string>

#include "tools/volumes/reclaimer.h"
#include "tools/volumes/source.h"
#include "tools/volumes/source_keeper.h"
#include "tools/volumes/state_directory.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

// Any thread. Waits two seconds at most for servers that hang.
std::string MeasureVolumes(const StateDirectory& directory, const Sources& sources,
                           const VolumeTable& table, const Reclaimer& reclaimer,
                           const SourceKeeper& keeper);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUMES_METRICS_H_
