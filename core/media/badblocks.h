// SPDX-License-Identifier: Apache-2.0
// Bad bytes in the text that the kernel's `badblocks` files speak: 512-byte sectors, a line for
// each entry, at most 512 sectors an entry and 512 entries a table.
#ifndef NVDIMMFS_CORE_MEDIA_BADBLOCKS_H_
#define NVDIMMFS_CORE_MEDIA_BADBLOCKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/range.h"

namespace nvdimmfs::core {

inline constexpr size_t kMaxBadblocks = 512;  // entries that a kernel's table holds

// "first count\n" for each entry, widened outward to whole sectors; whole lines, as many as fit in
// a page of 4096 bytes. `bad` is in bytes, ascending and disjoint.
std::string FormatBadblocks(const std::vector<Range>& bad);

// How many entries a kernel's table would need for them.
size_t CountBadblocks(const std::vector<Range>& bad);

// "sector count" as one may write to a disk's file; in bytes. Refused with EINVAL,
// "badblocks.syntax", also where the count is 0 or the end is beyond 64 bits.
absl::StatusOr<Range> ParseBadblock(absl::string_view text);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_BADBLOCKS_H_
