// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/nfit_test_preset.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/kernel_key_ring.h"
#include "core/base/status.h"
#include "core/commands/bus_command_format.h"
#include "core/intel/firmware.h"
#include "core/labels/label_format.h"
#include "core/media/memory_media.h"
#include "core/sources/test_controls.h"

namespace nvdimmfs::backends {
namespace {

using core::BusSource;
using core::DimmSource;
using core::MemoryMedia;
using core::RegionSource;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kDimmSize = 32 * kMiB, kHalf = 16 * kMiB, kLabelSize = 128 << 10;
constexpr uint64_t kGranularity = 4096;
constexpr absl::string_view kVirtualCd = "3d5abd30-4175-87ce-6d64-d2ade523c4bb";

struct TestDimm {
  uint32_t handle;
  uint16_t phys_id;
  uint16_t interface_code;
  uint16_t flags;
  uint64_t functions;  // of the Intel family
};

constexpr core::BusQuirks kQuirks = {.of_module = true,
                                     .errors_anywhere = true,
                                     .records_without_dimm = true,
                                     .translates_to_last_dimm = true,
                                     .refuses_partial_clear = true,
                                     .checks_call_sizes = true,
                                     .one_way_each = true,
                                     .cuts_label_transfers = true,
                                     .counts_every_shutdown = true,
                                     .labels_start_as_noise = true};

constexpr uint64_t kLabelsAndLatch = 0x470;
constexpr uint64_t kAllButModes = 0x7ffff476;

constexpr TestDimm kFirst[] = {
    {0x0, 0, 0x0201, core::kHealthNotified, kAllButModes},
    {0x1, 1, 0x0201, core::kHealthNotified, kAllButModes},
    {0x100, 2, 0x0201, core::kHealthNotified, kAllButModes},
    {0x101, 3, 0x0201, core::kHealthNotified, kAllButModes},
};
constexpr TestDimm kSecond[] = {
    {0x10000, 0, 0x0101,
     core::kSaveFailed | core::kRestoreFailed | core::kFlushFailed | core::kNotArmed |
         core::kHealthObserved,
     kLabelsAndLatch},
    {0x10001, 0, 0x0101, core::kMapFailed, kLabelsAndLatch},
};

core::intel::Firmware::Options FirmwareOf(const TestDimm& dimm) {
  core::intel::Firmware::Options options;
  options.functions = dimm.functions;
  options.label_transfer = 4096;
  options.health.health = core::intel::kNonCritical;
  options.health.spares = 75;
  options.health.life_used = 5;
  options.health.alarms = 3;
  options.health.media_temperature = 23 * 16;
  options.health.controller_temperature = 25 * 16;
  options.health.shutdown_count = 42;
  options.health.thresholds = {
      .enabled = 3, .spares = 5, .media_temperature = 40 * 16, .controller_temperature = 30 * 16};
  options.update.running_version = 0;
  options.update.next_version = 0xffffffffabcd;
  options.update.activation_moves_on = false;
  options.overwrite_time = absl::Seconds(5);
  options.keys = KernelKeyRing();
  return options;
}

// `number` counts all DIMMs of the module, `index` those of its bus.
absl::StatusOr<DimmSource> MakeDimm(const TestDimm& test, int number, size_t index) {
  const auto controls = std::make_shared<core::TestControls>(number);
  auto labels = std::make_shared<core::TestLabels>(kLabelSize, controls);
  const std::string text = absl::StrCat("label", index);
  RETURN_IF_ERROR(labels->Write(
      0, absl::MakeSpan(reinterpret_cast<const std::byte*>(text.data()), text.size())));
  DimmSource dimm;
  dimm.description = absl::StrCat("DIMM ", number, " of nfit_test");
  dimm.capacity = std::make_shared<MemoryMedia>(kDimmSize);
  dimm.labels = std::move(labels);
  dimm.identity = {.handle = test.handle,
                   .phys_id = test.phys_id,
                   .vendor = 0xabcd,
                   .device = 0,
                   .revision = 1,
                   // 2016, in the other byte order.
                   .manufacturing = core::DimmIdentity::Manufacturing{0x0a, 0xe007},
                   .serial = ~test.handle,
                   .interface_code = test.interface_code};
  dimm.nfit_flags = test.flags;
  dimm.test_controls = controls;
  ASSIGN_OR_RETURN(dimm.firmware, core::intel::Firmware::PowerOn(FirmwareOf(test)));
  return dimm;
}

// A region over the DIMMs 0 .. n-1, at `dpa` of each; the NFIT's region offsets are powers of 256.
absl::StatusOr<RegionSource> MakeSet(const BusSource& bus, size_t ways, core::Range dpa,
                                     uint64_t spa, int first_offset) {
  RegionSource region;
  for (size_t i = 0; i < ways; ++i)
    region.mappings.push_back(
        {.dimm = i,
         .dpa = dpa,
         .region_offset = uint64_t{1} << (8 * (static_cast<size_t>(first_offset) + i))});
  region.spa = {spa, ways * dpa.size};
  region.granularity = kGranularity;
  region.type_guid = core::kPmemRangeGuid;
  ASSIGN_OR_RETURN(region.media, core::StripeMappings(bus.dimms, region.mappings, kGranularity));
  return region;
}

absl::StatusOr<BusSource> FirstBus() {
  BusSource bus;
  bus.provider = "nfit_test.0";
  for (const TestDimm& test : kFirst) {
    const size_t index = bus.dimms.size();
    ASSIGN_OR_RETURN(DimmSource dimm, MakeDimm(test, static_cast<int>(index), index));
    bus.dimms.push_back(std::move(dimm));
  }
  ASSIGN_OR_RETURN(RegionSource pair, MakeSet(bus, 2, {0, kHalf}, 0x100000000, 0));
  ASSIGN_OR_RETURN(RegionSource four, MakeSet(bus, 4, {kHalf, kHalf}, 0x108000000, 2));
  bus.regions = {std::move(pair), std::move(four)};
  for (RegionSource& region : bus.regions) {
    region.range_index = &region == &bus.regions[0] ? 1 : 2;
    region.persistence_domain = core::PersistenceDomain::kMemoryController;
    region.deep_flush = true;
  }
  bus.scrubs = true;
  bus.families = 3;
  bus.functions = core::kNfitBusFunctions;
  return bus;
}

absl::StatusOr<BusSource> SecondBus() {
  BusSource bus;
  bus.provider = "nfit_test.1";
  for (const TestDimm& test : kSecond) {
    // The first bus has one more, which can be hot-plugged.
    const size_t index = bus.dimms.size(), number = std::size(kFirst) + 1 + index;
    ASSIGN_OR_RETURN(DimmSource dimm, MakeDimm(test, static_cast<int>(number), index));
    bus.dimms.push_back(std::move(dimm));
  }
  ASSIGN_OR_RETURN(RegionSource alone, MakeSet(bus, 1, {0, kDimmSize}, 0x140000000, 0));
  alone.mappings[0].region_offset = 0;
  alone.range_index = 1;
  alone.read_only = true;
  RegionSource cd;
  cd.spa = {0x148000000, 4 * kMiB};
  cd.is_volatile = true;
  cd.media = std::make_shared<MemoryMedia>(cd.spa.size);
  cd.type_guid = *core::Uuid::Parse(kVirtualCd);
  bus.regions = {std::move(alone), std::move(cd)};
  bus.scrubs = true;
  bus.takes_call = false;
  return bus;
}

}  // namespace

absl::StatusOr<Buses> NfitTestPreset() {
  ASSIGN_OR_RETURN(BusSource first, FirstBus());
  ASSIGN_OR_RETURN(BusSource second, SecondBus());
  first.quirks = second.quirks = kQuirks;
  Buses buses;
  buses.push_back(std::move(first));
  buses.push_back(std::move(second));
  return buses;
}

}  // namespace nvdimmfs::backends
