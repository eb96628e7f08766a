// bus/dax: the character devices of dax namespaces and the two drivers that take them, device_dax
// (a device node to map) and kmem (memory for the system, memory_blocks.h).
//
// As in a kernel, device_dax takes every device that is new or offered to it; kmem takes those
// whose name was written to its new_id.
#ifndef NVDIMMFS_CORE_DEVICES_DAX_BUS_H_
#define NVDIMMFS_CORE_DEVICES_DAX_BUS_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/devices/device.h"
#include "core/devices/memory_blocks.h"

namespace nvdimmfs::core {

class DaxBus;
class DaxInstance;

class DaxDriver final : public Device {
 public:
  struct Operations {
    absl::string_view name;
    bool takes_all;  // else those in its list
    absl::Status (*probe)(DaxInstance&);
    void (*remove)(DaxInstance&);
  };
  DaxDriver(System& system, DaxBus& bus, const Operations& operations);

  const Operations& operations() const { return operations_; }
  DaxBus& bus() const { return bus_; }
  bool Matches(const DaxInstance& instance) const;

  // What is written to new_id and remove_id: "dax0.1". Refused with EINVAL, "driver.id".
  absl::Status AddId(absl::string_view text);
  absl::Status RemoveId(absl::string_view text);

  std::string place() const override;
  absl::Span<const Attribute> attributes() const override;
  std::vector<DeviceLink> inner_links() const override;

 private:
  DaxBus& bus_;
  const Operations& operations_;
  std::set<std::string> ids_;
};

class DaxBus final : public Device {
 public:
  // Registers its drivers, and the memory that kmem adds to.
  static std::shared_ptr<DaxBus> Make(System& system);
  explicit DaxBus(System& system);

  // A device that has come, and is offered to the drivers; one that goes, and leaves its driver.
  void Add(DaxInstance& instance);
  void Remove(DaxInstance& instance);

  DaxInstance* Find(absl::string_view name) const;  // or null
  const std::vector<DaxInstance*>& instances() const { return instances_; }
  MemoryBlocks& memory() { return *memory_; }

  // Refused with EBUSY, "driver.bound", or as the driver's probe refuses.
  absl::Status Bind(const DaxDriver& driver, DaxInstance& instance);
  void Unbind(DaxInstance& instance);
  // Offers it to one driver after the other; what refuses is passed over.
  void Probe(DaxInstance& instance);
  bool autoprobe = true;

  std::string place() const override { return "bus/dax"; }
  absl::Span<const Attribute> attributes() const override;

 private:
  std::vector<std::shared_ptr<DaxDriver>> drivers_;
  std::vector<DaxInstance*> instances_;
  std::shared_ptr<MemoryBlocks> memory_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_DAX_BUS_H_
