// SPDX-License-Identifier: Apache-2.0
#include "backends/machine_region.h"

#include <string>

#include "backends/machine_badblocks.h"

namespace nvdimmfs::backends {

void TakeFromMachine(const SysfsFolder& device, core::RegionSource& region) {
  // Among the ancestors of a namespace, only a region has this entry.
  const auto machine = device.Holding("mappings");
  if (!machine) return;
  if (const auto node = machine->Signed("numa_node")) region.numa_node = *node;
  if (const auto node = machine->Signed("target_node")) region.target_node = *node;
  const std::string domain = machine->Text("persistence_domain").value_or("");
  if (domain == "cpu_cache") region.persistence_domain = core::PersistenceDomain::kCpuCache;
  if (domain == "memory_controller")
    region.persistence_domain = core::PersistenceDomain::kMemoryController;
  if (machine->Text("read_only").value_or("0") == "1") region.read_only = true;
  const auto base = machine->Number("resource");
  const auto listing = machine->Text("badblocks");
  if (base && listing) TakeBadblocks(*listing, *base, region.spa, *region.media);
}

}  // namespace nvdimmfs::backends
