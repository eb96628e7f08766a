#include "core/bus_source.h"

#include <optional>
#include <utility>

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kFirstAddress = uint64_t{4} << 30;
constexpr uint64_t kAddressAlign = uint64_t{1} << 30;
// ACPI: the persistent memory range type.
constexpr absl::string_view kPersistentMemory = "66f0d379-b4f3-4074-ac43-0d3318b78cdb";

}  // namespace

BusSource QemuBus(std::vector<DimmSource> dimms) {
  BusSource bus;
  bus.dimms = std::move(dimms);
  uint64_t address = kFirstAddress;
  for (size_t i = 0; i < bus.dimms.size(); ++i) {
    const DimmSource& dimm = bus.dimms[i];
    RegionSource region;
    region.spa = {address, dimm.capacity->size()};
    region.mappings = {{.dimm = i, .dpa = {0, dimm.capacity->size()}}};
    region.media = dimm.capacity;
    region.range_index = static_cast<int>(i + 1) * 2;
    region.read_only = dimm.read_only;
    region.type_guid = *Uuid::Parse(kPersistentMemory);
    address = RoundUp(region.spa.end(), kAddressAlign);
    bus.regions.push_back(std::move(region));
  }
  return bus;
}

}  // namespace nvdimmfs::core
