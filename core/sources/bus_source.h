// SPDX-License-Identifier: Apache-2.0
// A backend's (or a topology file's) description of one bus: its DIMMs and its regions.
#ifndef NVDIMMFS_CORE_SOURCES_BUS_SOURCE_H_
#define NVDIMMFS_CORE_SOURCES_BUS_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/kernel.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/labels/interleave_set.h"
#include "core/media/media.h"
#include "core/sources/bus_quirks.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::core {

enum class PersistenceDomain { kUnknown, kCpuCache, kMemoryController };

struct MappingSource {
  size_t dimm = 0;             // index in BusSource::dimms
  Range dpa;                   // the part of that DIMM, bytes
  uint64_t region_offset = 0;  // NFIT "region offset": feeds the set cookie
};

// How a region got its address, and how to choose another one: parts of messages.
struct AddressChoice {
  std::string rule;    // "an image alone is"; empty: the machine decides; it cannot be chosen
  std::string before;  // "mount vm.img,spa=": what to type before the address,
  std::string after;   // and after it
};

inline constexpr size_t kMaxMappings = 32;  // of a region, as in the kernel

struct RegionSource {
  Range spa;                            // system physical address and length, bytes
  AddressChoice address;                // of spa.start
  std::vector<MappingSource> mappings;  // empty for label-less providers
  std::shared_ptr<Media> media;         // the region's bytes in SPA order; size is spa.size
  uint64_t granularity = 0;             // bytes on one DIMM before the next DIMM follows
  int range_index = 0;                  // NFIT SPA range index
  int numa_node = 0;
  int target_node = 0;
  bool read_only = false;
  bool is_volatile = false;  // nd_volatile: contents are lost with the power
  bool page_mapped = false;  // an unclaimed namespace shows mode `memory` (e820, virtio-pmem, ...)
  PersistenceDomain persistence_domain = PersistenceDomain::kUnknown;
  // Media::Flush does more than Drain: the platform has flush hints, or the device has its own
  // flush. deep_flush then shows 1 and is writable.
  bool deep_flush = false;
  Uuid type_guid;  // NFIT SPA range type, goes into v1.2 labels; nil on CXL
  // Set by providers with their own rule (CXL); otherwise computed from the DIMMs' identities.
  std::optional<SetCookies> cookies;
  // The UUID by which CXL labels refer to the region. Nil: that of the labels on the devices;
  // without any, a new one when the first label is written.
  Uuid uuid;
};

// The bytes of a region over these mappings, `granularity` bytes of each in turn, in order of
// region offsets, as a memory controller interleaves them. Refused with EINVAL, "bus.source", if a
// mapping is not within its DIMM, or as StripedMedia::Make.
absl::StatusOr<std::shared_ptr<Media>> StripeMappings(absl::Span<const DimmSource> dimms,
                                                      absl::Span<const MappingSource> mappings,
                                                      uint64_t granularity);

struct BusSource {
  std::string provider = "ACPI.NFIT";
  // The kernel to mirror; the same for all buses of a source.
  Kernel kernel = kDefaultKernel;
  bool has_nfit = true;  // the nfit/ groups exist
  int nfit_revision = 1;
  bool scrubs = false;     // the bus has address-range scrub (ARS): nfit/scrub and its commands
  bool takes_call = true;  // it has the CALL command
  uint64_t families = 1;   // accepted by CALL: bit 0 NVDIMM_BUS, bit 1 Intel's
  uint64_t functions = 0;  // of family NVDIMM_BUS: bit n for function n
  absl::Duration scrub_time = absl::Seconds(1);  // time to scrub one region
  BusQuirks quirks;
  std::vector<DimmSource> dimms;
  std::vector<RegionSource> regions;
  std::vector<Finding> findings;  // oddities and omissions noticed when it was opened
};

// The bus that a QEMU guest would see for these `-device nvdimm` options, in slot order: one region
// each, from 4 GiB up, without interleaving, flush hints or a persistence domain.
BusSource QemuBus(std::vector<DimmSource> dimms);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_BUS_SOURCE_H_
