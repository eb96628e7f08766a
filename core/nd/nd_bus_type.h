// SPDX-License-Identifier: Apache-2.0
// bus/nd: the bus that lists buses, DIMMs, regions, namespaces and their claims, and the state that
// they share.
#ifndef NVDIMMFS_CORE_ND_ND_BUS_TYPE_H_
#define NVDIMMFS_CORE_ND_ND_BUS_TYPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/dax/dax_bus.h"
#include "core/model/bus_type.h"
#include "core/model/engine.h"
#include "core/model/id_allocator.h"
#include "core/nd/sector_layer.h"

namespace nvdimmfs::core {

class NdBusType final : public BusType {
 public:
  // Both must outlive it.
  NdBusType(Engine& engine, SectorLayer& sector_layer, DaxBus& dax_bus)
      : BusType(engine, "nd"), sector_layer_(sector_layer), dax_bus_(dax_bus) {}

  SectorLayer& sector_layer() const { return sector_layer_; }
  DaxBus& dax_bus() const { return dax_bus_; }
  IdAllocator& bus_ids() {
    engine().AssertLocked();
    return bus_ids_;
  }
  IdAllocator& dimm_ids() {
    engine().AssertLocked();
    return dimm_ids_;
  }
  IdAllocator& region_ids() {
    engine().AssertLocked();
    return region_ids_;
  }
  uint64_t NextDiskSequence() {
    engine().AssertLocked();
    return ++disk_sequence_;
  }

  // Expected: an empty seed, or a namespace that a claim took over.
  bool IsExpected(const absl::Status& status) const override {
    return ReasonOf(status) == "namespace.empty" || ReasonOf(status) == "namespace.claimed";
  }
  absl::string_view table_name() const override { return "nd_bus_type"; }
  std::vector<std::string> directories() const override { return {"devices", "drivers"}; }

 private:
  SectorLayer& sector_layer_;
  DaxBus& dax_bus_;
  IdAllocator bus_ids_ ABSL_GUARDED_BY(engine().lock());
  IdAllocator dimm_ids_ ABSL_GUARDED_BY(engine().lock());
  IdAllocator region_ids_ ABSL_GUARDED_BY(engine().lock());
  uint64_t disk_sequence_ ABSL_GUARDED_BY(engine().lock()) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_ND_BUS_TYPE_H_
