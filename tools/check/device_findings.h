// SPDX-License-Identifier: Apache-2.0
// What the device model says about a source: findings of its label areas, devices that it refuses
// to enable, and the namespaces that it shows, whose contents are checked afterwards.
#ifndef NVDIMMFS_TOOLS_CHECK_DEVICE_FINDINGS_H_
#define NVDIMMFS_TOOLS_CHECK_DEVICE_FINDINGS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/sources/source.h"
#include "core/media/media.h"
#include "core/nd/sector_layer.h"
#include "tools/check/namespace_check.h"
#include "tools/check/placed_finding.h"

namespace nvdimmfs::tools {

// Shows the buses by a System whose sector namespaces `sector_layer` opens, appends its findings
// and returns its namespaces.
absl::StatusOr<std::vector<Extent>> FindInDevices(const backends::Buses& buses,
                                                  core::SectorLayer& sector_layer,
                                                  std::vector<PlacedFinding>& findings);

const core::RegionSource& RegionOf(const backends::Buses& buses, const Extent& extent);

// The start of the namespace as findings count offsets: from the start of its image if its region
// has only one, else from the start of the region.
uint64_t OffsetOf(const backends::Buses& buses, const Extent& extent);

// The bytes of the namespace.
absl::StatusOr<std::shared_ptr<core::Media>> MediaOf(const backends::Buses& buses,
                                                     const Extent& extent);

// ENODATA, "image.unknown": nothing on the source is recognised.
absl::Status NothingRecognised();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_DEVICE_FINDINGS_H_
