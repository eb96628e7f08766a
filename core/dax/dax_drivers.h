// SPDX-License-Identifier: Apache-2.0
// The drivers of the dax bus: device_dax (a device node to map), kmem (memory for the system,
// memory_blocks.h) and, from 7.3 on, fsdev_dax (memory for the file system famfs).
//
// As in a kernel, device_dax binds every device that is new or offered to it; each of the others
// binds the devices whose names were written to its new_id.
#ifndef NVDIMMFS_CORE_DAX_DAX_DRIVERS_H_
#define NVDIMMFS_CORE_DAX_DAX_DRIVERS_H_

#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/kernel.h"
#include "core/dax/dax_bus.h"
#include "core/model/driver.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {

class DaxDriver final : public Driver {
 public:
  // With `takes_all` it matches every device of the bus, else those in its list.
  DaxDriver(DaxBus& bus, const Operations& operations, bool takes_all);

  bool Matches(const Device& device) const override;
  std::string WhereToLook() const override;

  // The table of each driver.
  static absl::Span<const Attribute> Table();

  // What is written to new_id and remove_id: "dax0.1". Refused with EINVAL, "driver.id".
  absl::Status AddId(absl::string_view text);
  absl::Status RemoveId(absl::string_view text);

 private:
  const bool takes_all_;
  std::set<std::string> ids_ ABSL_GUARDED_BY(engine().lock());
};

// The module of the fsdev_dax driver, if the kernel has it.
inline constexpr absl::string_view kFsdevDaxModule = "fsdev_dax";
constexpr bool HasFsdevDax(Kernel kernel) { return kernel >= Kernel::k7_3; }

// Creates and registers the drivers that the kernel has.
void AddDaxDrivers(DaxBus& bus);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_DRIVERS_H_
