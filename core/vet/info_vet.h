// SPDX-License-Identifier: Apache-2.0
// Looks at the info block of fsdax or devdax as if a stranger had made it: reports what has hurt a
// kernel, and what no kernel writes, even where a kernel accepts it. Layout: info_block_format.md.
#ifndef NVDIMMFS_CORE_VET_INFO_VET_H_
#define NVDIMMFS_CORE_VET_INFO_VET_H_

#include <vector>

#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/media/media.h"
#include "core/vet/vet_finding.h"

namespace nvdimmfs::core {

// Empty if the namespace has no such block, or one as a kernel writes it. `parent_uuid` is the
// namespace's, `spa` its address range. A block of another namespace, which kernels ignore, is a
// single finding, "info.parent". Thread rules: any thread; reads 4096 bytes of `ns`.
std::vector<VetFinding> VetInfoBlock(const Media& ns, const Uuid& parent_uuid, const Range& spa);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_VET_INFO_VET_H_
