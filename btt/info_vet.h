// SPDX-License-Identifier: Apache-2.0
// Compares an arena's first info block, field by field, with what a kernel writes.
#ifndef NVDIMMFS_BTT_INFO_VET_H_
#define NVDIMMFS_BTT_INFO_VET_H_

#include <vector>

#include "btt/geometry.h"
#include "core/media/media.h"
#include "core/vet/vet_finding.h"

namespace nvdimmfs::btt {

// Of the block at `start` of the namespace, if it has the signature: whatever its checksum says.
// Each field is judged on its own, so one wrong field does not hide another.
std::vector<core::VetFinding> VetInfo(const core::Media& ns, uint64_t start, Version version);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_INFO_VET_H_
