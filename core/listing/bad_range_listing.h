// SPDX-License-Identifier: Apache-2.0
// Known bad ranges ("badblocks"), as ndctl prints them: in units of 512 bytes.
#ifndef NVDIMMFS_CORE_LISTING_BAD_RANGE_LISTING_H_
#define NVDIMMFS_CORE_LISTING_BAD_RANGE_LISTING_H_

#include <vector>

#include "core/base/json.h"
#include "core/base/range.h"
#include "core/listing/device_view.h"

namespace nvdimmfs::core {

struct BadRange {
  uint64_t offset = 0;  // units of 512 bytes
  uint64_t length = 0;  // likewise
};

// The bad ranges of a region, from its start.
std::vector<BadRange> ReadBadRanges(const DeviceView& region);

// Those in `part` (bytes, from the region's start), relative to the part's start.
std::vector<BadRange> PartOf(const std::vector<BadRange>& ranges, const Range& part);

// "badblock_count" and, `with_list`, "badblocks", each with the DIMM if the region has just one.
// Adds nothing if no bytes are bad.
void AddBadRanges(const std::vector<BadRange>& ranges, const DeviceView& region, bool with_list,
                  Json& json);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LISTING_BAD_RANGE_LISTING_H_
