// SPDX-License-Identifier: Apache-2.0
// A finding that states an assumption, not damage. The owner sees it, but the verdict stays
// "sound".
#ifndef NVDIMMFS_CORE_BASE_NOTE_H_
#define NVDIMMFS_CORE_BASE_NOTE_H_

#include "absl/strings/match.h"
#include "core/base/finding.h"

namespace nvdimmfs::core {

// Recognised by its reason: "image.labels.note".
inline bool IsNote(const Finding& finding) { return absl::EndsWith(finding.reason, ".note"); }

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_NOTE_H_
