// SPDX-License-Identifier: Apache-2.0
// The DIMMs and ranges that an NFIT describes, numbered and linked as by a kernel.
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
  uint16_t state_flags = 0;  // core::NfitFlag, of all of its maps
  uint16_t flush_hints = 0;  // addresses
  uint64_t capacity = 0;     // bytes: one past the last DPA in a region, a multiple of 4096
};

struct NfitRegion {
  core::Range spa;  // bytes
  uint16_t range_index = 0;
  core::Uuid type_guid;
  bool is_volatile = false;
  int node = 0;                               // proximity domain, if stated
  std::vector<core::MappingSource> mappings;  // `dimm` is an index into NfitTopology::dimms
  // Bytes on one DIMM before the next one follows. 0: the interleave structures do not describe
  // stripes of one size (`odd_interleave` has the structure's `offset` in the table), so only the
  // range as a whole is usable, not its parts on DIMMs.
  uint64_t granularity = 0;
  uint32_t odd_interleave = 0;
};

struct NfitTopology {
  int revision = 1;
  core::PersistenceDomain persistence_domain = core::PersistenceDomain::kUnknown;
  std::vector<NfitDimm> dimms;
  std::vector<NfitRegion> regions;
  std::vector<core::Finding> notes;  // what was skipped, as by a kernel
};

// Refused with ENODEV, "nfit.control_region" or "nfit.dimm", if a structure refers to a missing
// one; ENXIO, "nfit.mappings", if a range has more than 32 DIMMs; EINVAL, "nfit.range", if an
// address range or DPA range wraps, is empty or does not consist of pages, if ranges overlap, and
// if the parts of a set do not add up. Messages name the structure's offset. Thread rules: a pure
// function.
absl::StatusOr<NfitTopology> DeriveTopology(const NfitTable& table);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_TOPOLOGY_H_
