// SPDX-License-Identifier: Apache-2.0
// Looks at a BTT as if a stranger had made it: what btt::Check finds, and besides what has hurt a
// kernel and what no kernel writes, even where a kernel accepts it. Reads a bounded part of maps
// and flogs.
#ifndef NVDIMMFS_BTT_VET_H_
#define NVDIMMFS_BTT_VET_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "btt/geometry.h"
#include "core/base/finding.h"
#include "core/base/uuid.h"
#include "core/media/media.h"
#include "core/vet/vet_finding.h"

namespace nvdimmfs::btt {

// What may still be read and reported: one for all BTTs of a source.
struct VetBudget {
  // Bytes of maps and flogs of arenas that are checked as a whole, which takes a bit of memory per
  // block, and of those of which only the ends of the map are looked at.
  uint64_t whole = uint64_t{256} << 20;
  uint64_t sampled = uint64_t{64} << 20;
  size_t findings = 10000;

  // Everything is read, however long it takes.
  static VetBudget Full() {
    constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
    return {.whole = kAll, .sampled = kAll};
  }
};

struct VetReport {
  std::vector<core::VetFinding> findings;  // offsets from the start of the namespace
  std::vector<core::Finding> notes;        // "vet.partial": what was not read
};

// For a namespace in which Detect has found a BTT of `version`. Uses up `budget`. Thread rules: any
// thread; reads `ns` only.
VetReport Vet(const core::Media& ns, Version version, const core::Uuid& parent_uuid,
              VetBudget& budget);

// For a namespace in which Detect has found none: the block with a BTT's signature where a BTT of
// `version` begins, if there is one.
std::vector<core::VetFinding> VetStray(const core::Media& ns, Version version,
                                       const core::Uuid& parent_uuid);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_VET_H_
