// SPDX-License-Identifier: Apache-2.0
// Checks that bytes are a flattened device tree that can be walked safely. Every offset, length,
// name and nesting level is checked, in one pass in linear time, before libfdt sees the blob:
// libfdt 1.6.1 trusts lengths that wrap, and loops forever on them.
//
// Source: Devicetree specification v0.4, chapter 5.
#ifndef NVDIMMFS_BACKENDS_DEVICETREE_STRUCTURE_H_
#define NVDIMMFS_BACKENDS_DEVICETREE_STRUCTURE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace nvdimmfs::backends {

inline constexpr size_t kMaxTreeDepth = 64;  // nested nodes
inline constexpr size_t kMaxTreeName = 255;  // bytes of a node's or a property's name

// Refused with EINVAL, "dtb.structure"; the message has the offset in the blob.
absl::Status CheckDeviceTree(absl::Span<const std::byte> blob);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DEVICETREE_STRUCTURE_H_
