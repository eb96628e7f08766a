// SPDX-License-Identifier: Apache-2.0
// Checks the contents of one namespace: a BTT, or the info block of fsdax or devdax.
#ifndef NVDIMMFS_TOOLS_CHECK_NAMESPACE_CHECK_H_
#define NVDIMMFS_TOOLS_CHECK_NAMESPACE_CHECK_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "btt/check.h"
#include "core/base/finding.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/labels/claim_class.h"
#include "core/media/media.h"

namespace nvdimmfs::tools {

// What a checker needs to know about a namespace; outlives the System that showed it.
struct Extent {
  std::string name;
  size_t bus = 0;     // index in the source's buses
  size_t region = 0;  // index in the bus's regions
  core::Range range;  // in the region
  core::Range spa;
  core::Uuid uuid;
  core::ClaimClass claim_class = core::ClaimClass::kNone;
};

// The BTT that may be in a namespace of this class, if there is a trace of one.
std::optional<btt::Version> FindBtt(const core::Media& media, const Extent& extent);

// `media` is the namespace's; offsets count from its start. If the label promises something that
// the media does not hold, that is a finding, too. Writes nothing.
std::vector<core::Finding> CheckNamespace(const core::Media& media, const Extent& extent);

// Whether its contents are unknown: no labels, BTT, info block, file system or the like, and the
// first MiB is not blank.
bool CannotTell(const core::Media& media, const Extent& extent);

// As btt::Repair. `left` has what it cannot repair.
absl::StatusOr<btt::RepairReport> RepairNamespace(core::Media& media, const Extent& extent,
                                                  const btt::SaveCopy& save);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_NAMESPACE_CHECK_H_
