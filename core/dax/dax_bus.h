// SPDX-License-Identifier: Apache-2.0
// bus/dax: the character devices of dax namespaces, and the system memory that its kmem driver adds
// to.
#ifndef NVDIMMFS_CORE_DAX_DAX_BUS_H_
#define NVDIMMFS_CORE_DAX_DAX_BUS_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "core/dax/memory_blocks.h"
#include "core/model/bus_type.h"
#include "core/model/engine.h"
#include "core/model/node_numbers.h"

namespace nvdimmfs::core {

// Major of /dev/daxN.M. As Debian's 6.1 assigns it in a guest.
inline constexpr NodeSetting kDaxMajor = MajorSetting("dax", 252);

class DaxBus final : public BusType {
 public:
  explicit DaxBus(Engine& engine) : BusType(engine, "dax") {}
  // Registers the bus and its memory.
  void Start();

  MemoryBlocks& memory() {
    engine().AssertLocked();
    return *memory_;
  }

  // Also recorded on the parent bus of the device.
  void NoteRefusal(const Driver& driver, Device& device, const absl::Status& status) override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }

 private:
  std::shared_ptr<MemoryBlocks> memory_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_BUS_H_
