// SPDX-License-Identifier: Apache-2.0
// What the flog records about where sectors were written.
//
// Each lane's newest record says: sector `lba` went to block `new`, and gave up block `old`. The
// older one says the same of the write before, for as long as it agrees with the newest: a lane
// writes to the block that its previous write freed, and the first half of the next write
// overwrites the older record's.
#ifndef NVDIMMFS_BTT_FLOG_EVIDENCE_H_
#define NVDIMMFS_BTT_FLOG_EVIDENCE_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "btt/flog.h"
#include "btt/geometry.h"

namespace nvdimmfs::btt {

class FlogEvidence {
 public:
  // `newest` is the checked content of `group`.
  void Add(const FlogGroup& group, FlogPair pair, const LaneRecord& newest,
           const ArenaGeometry& arena);

  // The blocks that records name for the sector, minus those that it gave up since.
  std::vector<uint32_t> HomesOf(uint32_t premap) const;
  // The sectors named by records, ascending.
  std::vector<uint32_t> Sectors() const;

 private:
  void AddRecord(uint32_t lba, uint32_t old_block, uint32_t new_block);

  std::map<uint32_t, std::set<uint32_t>> written_;    // by sector
  std::set<std::pair<uint32_t, uint32_t>> given_up_;  // sector, block
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_FLOG_EVIDENCE_H_
