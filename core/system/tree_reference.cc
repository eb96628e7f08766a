// SPDX-License-Identifier: Apache-2.0
#include "core/system/tree_reference.h"

#include "core/dax/dax_bus.h"
#include "core/dax/dax_drivers.h"
#include "core/dax/dax_instance.h"
#include "core/dax/dax_kind.h"
#include "core/dax/memory_blocks.h"
#include "core/model/bus_attributes.h"
#include "core/nd/backing_info.h"
#include "core/nd/btt_arena.h"
#include "core/nd/btt_device.h"
#include "core/nd/disk.h"
#include "core/nd/nd_kind.h"
#include "core/nd/partition.h"
#include "core/nd/pfn_device.h"
#include "core/services/test_dimm.h"
#include "core/system/module_device.h"
#include "core/system/mount_device.h"
#include "core/system/platform_device.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {

std::vector<TableReference> TreeReference() {
  return {
      {"The mount", &MountDevice::kKind, "What concerns the mount as a whole.",
       MountDevice::Table()},
      {"Buses", &NdKind::kBus, "A bus with its DIMMs and regions.", BusAttributes()},
      {"Control nodes", &NdKind::kControl, "The character device that takes the bus commands.",
       ControlAttributes()},
      {"DIMMs", &NdKind::kDimm, "A DIMM, or the memory device that a region's bytes are on.",
       DimmAttributes()},
      {"Regions", &NdKind::kRegion,
       "A range of system physical addresses: one DIMM, an interleave set, or memory without DIMM.",
       RegionAttributes()},
      {"Namespaces with labels", &NdKind::kNamespace, "A part of a region, described by labels.",
       LabelledNamespaceAttributes()},
      {"Namespaces without labels", &NdKind::kNamespace,
       "The one namespace of a region without labels.", WholeNamespaceAttributes()},
      {"BTTs", &NdKind::kBtt, "Claims a namespace for sectors that are never torn.",
       BttDevice::Table()},
      {"Pfns", &NdKind::kPfn, "Claims a namespace for mode fsdax.", PfnDevice::Table()},
      {"Daxes", &NdKind::kDax, "Claims a namespace for mode devdax.", PfnDevice::Table()},
      {"Disks", &NdKind::kBlock,
       "The block device of an enabled namespace, btt or pfn. What is fixed here are settings of "
       "the kernel's block layer.",
       Disk::Table()},
      {"Partitions", &NdKind::kPartition, "A partition of a disk, where a shell made one.",
       Partition::Table()},
      {"Backing devices", &NdKind::kBackingInfo, "What the kernel's page cache keeps of a disk.",
       BackingInfo::Table()},
      {"Arenas", &NdKind::kArena, "An arena of an enabled btt, in debugfs; offsets are in bytes.",
       BttArena::Table()},
      {"Dax regions", &DaxKind::kRegion, "The memory of an enabled dax.", DaxRegion::Table()},
      {"Dax devices", &DaxKind::kInstance, "The character device of an enabled dax.",
       DaxInstance::Table()},
      {"Memory", &DaxKind::kMemory, "The memory that dax devices give to the system.",
       MemoryBlocks::Table()},
      {"Memory blocks", &DaxKind::kMemoryBlock, "A block of that memory.", MemoryBlock::Table()},
      {"The bus nd", &ModelKind::kBusType, "The bus of all devices above.", NdBusAttributes()},
      {"The bus dax", &ModelKind::kBusType, "The bus of the dax devices.", DaxBus::Table()},
      {"Drivers of the bus nd", &ModelKind::kDriver,
       "nd_bus, nvdimm, nd_region, nd_pmem and dax_pmem.", kDriverAttributes},
      {"Drivers of the bus dax", &DaxKind::kDriver, "device_dax, kmem and, from 7.3 on, fsdev_dax.",
       DaxDriver::Table()},
      {"Modules", &ModuleDevice::kKind, "A kernel module that counts as loaded.",
       ModuleDevice::Table()},
      {"Platform devices", &PlatformDevice::kKind, "What the emulated buses are below.",
       PlatformDevice::Table()},
      {"Test DIMMs", &TestDimm::kKind, "What tests do to a DIMM of the emulated buses.",
       TestDimm::Table()},
  };
}

}  // namespace nvdimmfs::core
