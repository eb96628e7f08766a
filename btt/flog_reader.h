// SPDX-License-Identifier: Apache-2.0
// Reads an arena's flog from media, as far as it is not poisoned.
#ifndef NVDIMMFS_BTT_FLOG_READER_H_
#define NVDIMMFS_BTT_FLOG_READER_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "btt/flog.h"
#include "btt/geometry.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

struct FlogImage {
  std::vector<FlogGroup> groups;  // one per lane
  std::vector<bool> unreadable;   // lanes whose 512-byte unit is poisoned; eight at a time

  std::vector<FlogGroup> Readable() const;
};

// Returns every refusal of the media except "media.poison".
absl::StatusOr<FlogImage> LoadFlog(const core::Media& ns, const ArenaGeometry& arena);

// Refused with EIO, "btt.flog.range", if a record names a sector or block outside the arena.
absl::Status CheckRecord(const LaneRecord& record, const ArenaGeometry& arena);

bool IsPoison(const absl::Status& status);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_FLOG_READER_H_
