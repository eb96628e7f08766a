// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/demo_preset.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/kernel_key_ring.h"
#include "backends/qemu_slot.h"
#include "btt/btt_layer.h"
#include "core/base/status.h"
#include "core/commands/bus_command_format.h"
#include "core/intel/firmware.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/media/memory_media.h"
#include "core/sources/region_address.h"
#include "core/system/system.h"

namespace nvdimmfs::backends {
namespace {

using core::BusSource;
using core::DimmSource;
using core::LabelVersion;
using core::MemoryMedia;
using core::RegionSource;

constexpr uint64_t kMiB = 1 << 20, kLabelSize = 128 << 10, kGranularity = 4096;

struct DemoDimm {
  uint64_t size;
  const LabelVersion& (*labels)();  // null: blank
};
constexpr DemoDimm kDimms[] = {{128 * kMiB, core::LabelV1_2},
                               {128 * kMiB, core::LabelV1_2},
                               {64 * kMiB, core::LabelV1_1},
                               {64 * kMiB, nullptr}};

struct DemoNamespace {
  absl::string_view region;
  absl::string_view line;  // for x/create
};
constexpr DemoNamespace kNamespaces[] = {
    {"region0", "size=64M mode=fsdax name=files"},
    {"region0", "size=32M mode=sector name=log"},
    {"region0", "size=32M mode=raw name=bytes"},
    {"region0", "size=64M mode=devdax name=direct"},
    {"region1", "size=32M mode=sector sector_size=512 name=old"},
};

absl::StatusOr<DimmSource> MakeDimm(const DemoDimm& demo, uint32_t number) {
  auto labels = std::make_shared<MemoryMedia>(kLabelSize);
  if (demo.labels != nullptr) {
    ASSIGN_OR_RETURN(core::LabelArea area, core::LabelArea::Open(labels));
    RETURN_IF_ERROR(area.Initialise(demo.labels()));
  }
  DimmSource dimm;
  dimm.description = absl::StrCat("DIMM ", number, " of the demo");
  dimm.capacity = std::make_shared<MemoryMedia>(demo.size);
  dimm.labels = std::move(labels);
  dimm.identity = QemuIdentity(number);
  ASSIGN_OR_RETURN(dimm.firmware, core::intel::Firmware::PowerOn(
                                      {.passphrase_tries = core::intel::kPassphraseTries,
                                       .keys = KernelKeyRing()}));
  return dimm;
}

absl::Status AddRegion(BusSource& bus, std::vector<core::MappingSource> mappings) {
  RegionSource region;
  const uint64_t size = mappings[0].dpa.size * mappings.size();
  region.spa = {core::kFirstRegionAddress + bus.regions.size() * core::kRegionAddressAlign, size};
  ASSIGN_OR_RETURN(region.media, core::StripeMappings(bus.dimms, mappings, kGranularity));
  region.mappings = std::move(mappings);
  region.granularity = kGranularity;
  region.range_index = static_cast<int>(bus.regions.size()) + 1;
  region.persistence_domain = core::PersistenceDomain::kMemoryController;
  region.type_guid = core::kPmemRangeGuid;
  bus.regions.push_back(std::move(region));
  return absl::OkStatus();
}

absl::StatusOr<BusSource> DimmBus() {
  BusSource bus;
  for (const DemoDimm& demo : kDimms) {
    ASSIGN_OR_RETURN(DimmSource dimm, MakeDimm(demo, static_cast<uint32_t>(bus.dimms.size())));
    bus.dimms.push_back(std::move(dimm));
  }
  RETURN_IF_ERROR(
      AddRegion(bus, {{.dimm = 0, .dpa = {0, kDimms[0].size}, .region_offset = 0},
                      {.dimm = 1, .dpa = {0, kDimms[1].size}, .region_offset = kGranularity}}));
  for (const size_t i : {2, 3})
    RETURN_IF_ERROR(AddRegion(bus, {{.dimm = i, .dpa = {0, kDimms[i].size}}}));
  bus.scrubs = true;
  bus.functions = core::kAllBusFunctions;
  return bus;
}

BusSource MemoryBus(uint64_t address) {
  RegionSource region;
  region.spa = {address, 64 * kMiB};
  region.media = std::make_shared<MemoryMedia>(region.spa.size);
  region.page_mapped = true;
  region.type_guid = core::kPmemRangeGuid;
  BusSource bus;
  bus.provider = "e820";
  bus.has_nfit = false;
  bus.regions.push_back(std::move(region));
  return bus;
}

// Creates them as a user would, in a temporary system: the result is on the media.
absl::Status MakeNamespaces(const BusSource& bus) {
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  RETURN_IF_ERROR(system.AddBus(bus));
  for (const DemoNamespace& demo : kNamespaces) {
    const auto region = system.Find(demo.region);
    const auto attributes = region->attributes();
    const auto create =
        std::find_if(attributes.begin(), attributes.end(),
                     [](const core::Attribute& attribute) { return attribute.name == "x/create"; });
    RETURN_IF_ERROR(system.Store(*region, *create, demo.line));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Buses> DemoPreset() {
  ASSIGN_OR_RETURN(BusSource dimms, DimmBus());
  RETURN_IF_ERROR(MakeNamespaces(dimms));
  // In the namespace "bytes".
  RETURN_IF_ERROR(dimms.regions[0].media->InjectPoison({100 * kMiB, 4096}));
  BusSource memory =
      MemoryBus(core::kFirstRegionAddress + dimms.regions.size() * core::kRegionAddressAlign);
  Buses buses;
  buses.push_back(std::move(dimms));
  buses.push_back(std::move(memory));
  return buses;
}

}  // namespace nvdimmfs::backends
