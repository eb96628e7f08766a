// SPDX-License-Identifier: Apache-2.0
// Looks at the contents of one namespace as if a stranger had made them: a BTT, or the info block
// of fsdax or devdax.
#ifndef NVDIMMFS_TOOLS_CHECK_NAMESPACE_VET_H_
#define NVDIMMFS_TOOLS_CHECK_NAMESPACE_VET_H_

#include <vector>

#include "btt/vet.h"
#include "core/media/media.h"
#include "tools/check/namespace_check.h"
#include "tools/check/placed_finding.h"

namespace nvdimmfs::tools {

// All that CheckNamespace finds, and more. `media` is the namespace's; offsets count from its
// start. Uses up `budget`. Writes nothing.
std::vector<PlacedFinding> VetNamespace(const core::Media& media, const Extent& extent,
                                        btt::VetBudget& budget);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_NAMESPACE_VET_H_
