// SPDX-License-Identifier: Apache-2.0
// Bad ranges in the format of the kernel's `badblocks` files: 512-byte sectors, one entry per line,
// at most 512 sectors per entry and 512 entries per table.
#ifndef NVDIMMFS_CORE_MEDIA_BADBLOCKS_H_
#define NVDIMMFS_CORE_MEDIA_BADBLOCKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/range.h"

namespace nvdimmfs::core {

inline constexpr size_t kMaxBadblocks = 512;  // entries in a kernel's table

// "first count\n" for each entry, widened outward to whole sectors; as many whole lines as fit in a
// page of 4096 bytes. `bad` is in bytes, ascending and disjoint.
std::string FormatBadblocks(const std::vector<Range>& bad);

// How many entries a kernel's table would need for them.
size_t CountBadblocks(const std::vector<Range>& bad);

// Parses "sector count", as written to a disk's file; the result is in bytes. Refused with EINVAL,
// "badblocks.syntax", also if the count is 0 or the end does not fit in 64 bits.
absl::StatusOr<Range> ParseBadblock(absl::string_view text);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_BADBLOCKS_H_
