// SPDX-License-Identifier: Apache-2.0
// Example tables for tests.
#ifndef NVDIMMFS_BACKENDS_NFIT_NFIT_EXAMPLES_H_
#define NVDIMMFS_BACKENDS_NFIT_NFIT_EXAMPLES_H_

#include "backends/nfit/nfit_table.h"
#include "core/base/uuid.h"

namespace nvdimmfs::backends {

inline core::Uuid::Bytes GuidOf(absl::string_view text) {
  return core::Uuid::Parse(text)->guid_order();
}

// One interleave set of `ways` DIMMs with 16 MiB each, striped at `granularity`, at 4 GiB, followed
// by a volatile range of 2 MiB. Contains each kind of structure at least once. Handles count down:
// the first stripe is on the DIMM with the highest handle.
inline NfitTable SetOf(uint16_t ways, uint32_t granularity = 4096) {
  constexpr uint64_t kPart = 16 << 20;
  NfitTable table;
  table.ranges.push_back({.range_index = 1,
                          .flags = NfitSpaRange::kProximityValid,
                          .type_guid = GuidOf(kPersistentMemory),
                          .address = uint64_t{4} << 30,
                          .length = kPart * ways,
                          .attributes = 0x8008});
  table.ranges.push_back({.range_index = 2,
                          .flags = NfitSpaRange::kLocationCookieValid,
                          .type_guid = GuidOf(kVolatileMemory),
                          .address = uint64_t{8} << 30,
                          .length = 2 << 20,
                          .location_cookie = 0x1122334455667788});
  NfitInterleave interleave{.index = 1, .line_size = granularity};
  for (uint32_t i = 0; i < 8; ++i) interleave.line_offsets.push_back(i * ways);
  table.interleaves.push_back(interleave);
  for (uint16_t i = 0; i < ways; ++i) {
    const uint16_t number = ways - i;
    table.maps.push_back({.device_handle = number,
                          .physical_id = static_cast<uint16_t>(0x20 + number),
                          .range_index = 1,
                          .control_index = number,
                          .region_size = kPart,
                          .region_offset = uint64_t{i} * granularity,
                          .interleave_index = 1,
                          .interleave_ways = ways});
    table.controls.push_back({.index = number,
                              .vendor_id = 0x8086,
                              .device_id = 0x101,
                              .revision_id = 3,
                              .subsystem_vendor_id = 4,
                              .subsystem_device_id = 5,
                              .subsystem_revision_id = 6,
                              .valid_fields = NfitControlRegion::kManufacturingValid,
                              .manufacturing_location = 7,
                              .manufacturing_date = 0x2015,
                              .serial_number = 0xabcd0000u + number,
                              .interface_code = 0x0301});
  }
  table.controls.back().windows = 1;
  table.controls.back().window_size = 4096;
  table.flushes.push_back({.device_handle = 1, .addresses = {0x1000, 0x1040}});
  table.capabilities.push_back(
      {.highest = 1, .capabilities = NfitCapabilities::kMemoryFlush | 0xf0});
  return table;
}

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_EXAMPLES_H_
