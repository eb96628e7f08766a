// SPDX-License-Identifier: Apache-2.0
// What an NFIT describes: DIMMs and ranges, numbered and joined as a kernel does it.
//
// DIMMs are those that a persistent memory range or a control region range refers to, and those
// that no range refers to, in the order of their handles. Regions are the persistent and volatile
// memory ranges and the virtual disks, in the order of the table.
#ifndef NVDIMMFS_BACKENDS_NFIT_NFIT_TOPOLOGY_H_
#define NVDIMMFS_BACKENDS_NFIT_NFIT_TOPOLOGY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/nfit/nfit_table.h"
#include "core/base/range.h"
#include "core/sources/bus_source.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::backends {

struct NfitDimm {
  core::DimmIdentity identity;
  bool has_control_region = false;
  bool mapped = false;       // into a persistent memory range
  uint16_t state_flags = 0;  // core::NfitFlag, of all its maps
  uint16_t flush_hints = 0;  // addresses
  uint64_t capacity = 0;     // bytes: one past the last DPA in a region, a multiple of 4096
};

struct NfitRegion {
  core::Range spa;  // bytes
  uint16_t range_index = 0;
  core::Uuid type_guid;
  bool is_volatile = false;
  int node = 0;                               // proximity domain where stated
  std::vector<core::MappingSource> mappings;  // `dimm` counts in NfitTopology::dimms
  // Bytes on one DIMM before the next one's turn; 0: the interleave structures describe something
  // other than stripes of one size (its `offset` in the table is in `odd_interleave`), so that only
  // the range itself can be had, not its parts on DIMMs.
  uint64_t granularity = 0;
  uint32_t odd_interleave = 0;
};

struct NfitTopology {
  int revision = 1;
  core::PersistenceDomain persistence_domain = core::PersistenceDomain::kUnknown;
  std::vector<NfitDimm> dimms;
  std::vector<NfitRegion> regions;
  std::vector<core::Finding> notes;  // what was left out, as a kernel leaves it out
};

// Refused with ENODEV, "nfit.control_region" or "nfit.dimm", where a structure refers to one that
// there is not; ENXIO, "nfit.mappings", for more than 32 DIMMs behind a range; EINVAL,
// "nfit.range", for an address range or DPA range that wraps, is empty, or is not made of pages,
// for ranges that overlap, and for a set whose parts do not add up. Sentences name the structure's
// offset. Thread rules: a pure function.
absl::StatusOr<NfitTopology> DeriveTopology(const NfitTable& table);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_TOPOLOGY_H_
