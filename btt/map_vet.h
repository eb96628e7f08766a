// SPDX-License-Identifier: Apache-2.0
// Looks at parts of an arena's map, one entry at a time. Constant memory.
#ifndef NVDIMMFS_BTT_MAP_VET_H_
#define NVDIMMFS_BTT_MAP_VET_H_

#include <cstdint>
#include <vector>

#include "btt/geometry.h"
#include "btt/map_entry.h"
#include "core/base/finding.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

class MapVet {
 public:
  // Both outlive this.
  MapVet(const core::Media& ns, const ArenaGeometry& arena) : ns_(ns), arena_(arena) {}

  // The entries [first, first + count), which are in the map. Entries that cannot be read are left
  // out.
  void Read(uint32_t first, uint32_t count);
  // One finding for each kind, with the number of sectors; with `ranges` also of those out of
  // range.
  std::vector<core::Finding> Finish(bool ranges);

 private:
  struct Tally {
    uint64_t count = 0;
    uint32_t first = 0;
    void Add(uint32_t premap) {
      if (count++ == 0) first = premap;
    }
  };

  void Judge(MapEntry entry, uint32_t premap);
  bool PaddingIsZero() const;

  const core::Media& ns_;
  const ArenaGeometry& arena_;
  Tally odd_;           // initial, but with a block
  Tally zero_;          // reads as zeros
  Tally out_of_range_;  // names a block that the arena does not have
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_MAP_VET_H_
