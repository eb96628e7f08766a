// SPDX-License-Identifier: Apache-2.0
// The set of DIMMs that one region is interleaved over, and the cookies by which labels identify
// it. Source: NVDIMM namespace specification (v1.1 cookie) and UEFI 2.7 (v1.2 cookie).
#ifndef NVDIMMFS_CORE_LABELS_INTERLEAVE_SET_H_
#define NVDIMMFS_CORE_LABELS_INTERLEAVE_SET_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// One DIMM's input to a cookie: raw values, as stored in the NFIT.
struct SetMember {
  uint64_t region_offset = 0;  // bytes
  uint32_t serial = 0;
  uint16_t vendor = 0;
  uint16_t manufacturing_date = 0;
  uint8_t manufacturing_location = 0;
};

struct SetCookies {
  uint64_t v1_1 = 0;
  uint64_t v1_2 = 0;
  uint64_t alternate = 0;  // the v1.1 cookie with members in the historic byte-wise order
};

SetCookies ComputeSetCookies(absl::Span<const SetMember> members);

// One device's input to a CXL region's cookie.
struct CxlSetMember {
  uint64_t dpa = 0;     // start of the region's part of the device, bytes
  uint64_t serial = 0;  // of the device; 0 if it has none
};

// One cookie for both label versions, computed from the members in the order of the region's
// targets; there is no alternate. It is 0 for devices without serial numbers; then no label
// matches.
SetCookies ComputeCxlCookies(absl::Span<const CxlSetMember> members);

// position[i] = place of members[i] in the v1.2 cookie's order.
std::vector<uint32_t> SetPositions(absl::Span<const SetMember> members);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_INTERLEAVE_SET_H_
