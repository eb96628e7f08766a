// SPDX-License-Identifier: Apache-2.0
// Byte access to a Media that is read and written in whole sectors.
//
// Thread rules: any thread. A write of part of a sector excludes, for its read-modify-write, every
// other write of the same owner; writes of whole sectors do not wait for each other.
#ifndef NVDIMMFS_FS_FILES_SECTOR_ACCESS_H_
#define NVDIMMFS_FS_FILES_SECTOR_ACCESS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/media/media.h"

namespace nvdimmfs::fs {

// `sector` divides media.size(); the range is within the media. `scratch` has room for the range
// widened to whole sectors; the result is a part of it.
absl::StatusOr<absl::Span<const std::byte>> ReadSectors(const core::Media& media, uint64_t sector,
                                                        const core::Range& range,
                                                        absl::Span<std::byte> scratch);

// `owner` identifies the bytes: one for all Media that may show the same ones.
absl::Status WriteSectors(core::Media& media, const void* owner, uint64_t sector, uint64_t offset,
                          absl::Span<const std::byte> data);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_SECTOR_ACCESS_H_
