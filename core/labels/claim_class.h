// SPDX-License-Identifier: Apache-2.0
// The personality that a label reserves a namespace for: the label's abstraction GUID, and the
// namespace's `holder_class` attribute.
#ifndef NVDIMMFS_CORE_LABELS_CLAIM_CLASS_H_
#define NVDIMMFS_CORE_LABELS_CLAIM_CLASS_H_

#include "core/base/uuid.h"

namespace nvdimmfs::core {

enum class ClaimClass {
  kNone,     // any personality may be found on the media
  kBtt,      // BTT with the v1.1 layout (info block at 4 KiB)
  kBtt2,     // BTT with the v2.0 layout (info block at 0)
  kPfn,      // fsdax
  kDax,      // devdax
  kUnknown,  // any other abstraction GUID: every claim is refused
};

// Nil for kNone; kUnknown has no GUID of its own (callers keep the one they read).
Uuid AbstractionGuid(ClaimClass claim_class);
ClaimClass ClaimClassOf(const Uuid& abstraction_guid);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_CLAIM_CLASS_H_
