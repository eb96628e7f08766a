// SPDX-License-Identifier: Apache-2.0
// Whether bytes are a flattened device tree that can be walked: every offset, length, name and
// nesting is checked here, in one pass and in time linear in the blob, before libfdt sees it.
// libfdt 1.6.1 trusts lengths that wrap, and does not come back from them.
//
// Source: Devicetree specification v0.4, chapter 5.
#ifndef NVDIMMFS_BACKENDS_DEVICETREE_STRUCTURE_H_
#define NVDIMMFS_BACKENDS_DEVICETREE_STRUCTURE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace nvdimmfs::backends {

inline constexpr size_t kMaxTreeDepth = 64;  // of nodes in nodes
inline constexpr size_t kMaxTreeName = 255;  // bytes of a node's or a property's name

// Refused with EINVAL, "dtb.structure"; the sentence has the offset in the blob.
absl::Status CheckDeviceTree(absl::Span<const std::byte> blob);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DEVICETREE_STRUCTURE_H_
