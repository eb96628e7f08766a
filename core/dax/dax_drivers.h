// SPDX-License-Identifier: Apache-2.0
// The two drivers of the dax bus: device_dax (a device node to map) and kmem (memory for the
// system, memory_blocks.h).
//
// As in a kernel, device_dax takes every device that is new or offered to it; kmem takes those
// whose name was written to its new_id.
#ifndef NVDIMMFS_CORE_DAX_DAX_DRIVERS_H_
#define NVDIMMFS_CORE_DAX_DAX_DRIVERS_H_

#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/dax/dax_bus.h"
#include "core/model/driver.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {

class DaxDriver final : public Driver {
 public:
  // With `takes_all` every device of the bus, else those in its list.
  DaxDriver(DaxBus& bus, const Operations& operations, bool takes_all);

  bool Matches(const Device& device) const override;
  std::string WhereToLook() const override;

  // Of both drivers.
  static absl::Span<const Attribute> Table();

  // What is written to new_id and remove_id: "dax0.1". Refused with EINVAL, "driver.id".
  absl::Status AddId(absl::string_view text);
  absl::Status RemoveId(absl::string_view text);

 private:
  const bool takes_all_;
  std::set<std::string> ids_ ABSL_GUARDED_BY(engine().lock());
};

// Makes and registers them.
void AddDaxDrivers(DaxBus& bus);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_DRIVERS_H_
