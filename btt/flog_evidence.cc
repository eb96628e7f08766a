// SPDX-License-Identifier: Apache-2.0
#include "btt/flog_evidence.h"

#include "btt/map_entry.h"

namespace nvdimmfs::btt {

void FlogEvidence::AddRecord(uint32_t lba, uint32_t old_block, uint32_t new_block) {
  if (old_block == new_block) return;  // a lane that has written nothing yet
  written_[lba].insert(new_block);
  given_up_.emplace(lba, old_block);
}

void FlogEvidence::Add(const FlogGroup& group, FlogPair pair, const LaneRecord& newest,
                       const ArenaGeometry& arena) {
  AddRecord(newest.lba, newest.old_block, newest.new_block);
  const FlogEntry& older = group.slots[pair[newest.newer ^ 1]];
  const uint32_t lba = older.lba;
  const uint32_t old_block = older.old_map & kMapBlockMask;
  const uint32_t new_block = older.new_map & kMapBlockMask;
  const bool agrees = older.seq != 0 && NextSeq(older.seq) == newest.seq &&
                      old_block == newest.new_block && lba < arena.external_nlba &&
                      new_block < arena.internal_nlba;
  if (agrees) AddRecord(lba, old_block, new_block);
}

std::vector<uint32_t> FlogEvidence::HomesOf(uint32_t premap) const {
  std::vector<uint32_t> homes;
  const auto written = written_.find(premap);
  if (written == written_.end()) return homes;
  for (const uint32_t block : written->second)
    if (!given_up_.contains({premap, block})) homes.push_back(block);
  return homes;
}

std::vector<uint32_t> FlogEvidence::Sectors() const {
  std::vector<uint32_t> sectors;
  for (const auto& [premap, blocks] : written_) sectors.push_back(premap);
  return sectors;
}

}  // namespace nvdimmfs::btt
