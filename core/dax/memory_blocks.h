// SPDX-License-Identifier: Apache-2.0
// devices/system/memory and devices/system/node: the memory blocks that dax devices add to the
// system while they are bound to kmem. This is only the state and its rules, as daxctl sees them:
// no kernel uses the bytes.
//
// A block starts offline. An online block belongs to a zone. Movable blocks can be taken offline
// again; Normal blocks cannot, as in a kernel that has allocated memory of its own there. If memory
// with an online block loses its driver, it stays until the mount ends (in a kernel, until the next
// boot), and its device cannot be bound any more.
#ifndef NVDIMMFS_CORE_DAX_MEMORY_BLOCKS_H_
#define NVDIMMFS_CORE_DAX_MEMORY_BLOCKS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/range.h"
#include "core/model/device.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {

inline constexpr uint64_t kMemoryBlockSize = 128 << 20;  // bytes, as on x86

// "memory33": the block_size bytes that start at 33 x block_size.
class MemoryBlock final : public Device {
 public:
  enum class Zone { kNone, kNormal, kMovable };  // kNone: offline

  MemoryBlock(Engine& engine, uint64_t index, int node);

  uint64_t index() const { return index_; }
  Zone zone() const {
    engine().AssertLocked();
    return zone_;
  }
  // Handles a write to `state`: "online", "online_kernel", "online_movable" or "offline". Refused
  // with EINVAL, "memory.state" (no such word) or "memory.unchanged" (it has that state), and
  // EBUSY, "memory.in_use".
  absl::Status SetState(absl::string_view text);
  // Handles a write to `online`: 0 or 1. Writing the present value is not an error.
  absl::Status SetOnline(absl::string_view text);

  std::string place() const override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;

 private:
  absl::Status GoOffline();

  const uint64_t index_;
  const int node_;
  Zone zone_ ABSL_GUARDED_BY(engine().lock()) = Zone::kNone;
  // The zone that writing 1 to `online` selects.
  Zone last_ ABSL_GUARDED_BY(engine().lock()) = Zone::kNormal;
};

// "node0": contains links to its blocks.
class MemoryNode final : public Device {
 public:
  MemoryNode(Engine& engine, int number);
  std::string place() const override;
  absl::Span<const Attribute> attributes() const override { return {}; }
};

class MemoryBlocks final : public Device {
 public:
  static std::shared_ptr<MemoryBlocks> Make(Engine& engine);
  explicit MemoryBlocks(Engine& engine);

  // Adds a NUMA node to which memory may be added. Ignores negative numbers.
  void AddNode(int number);

  // Adds the blocks that are completely inside `memory` (system physical addresses). Refused with
  // EINVAL, "memory.node" (negative) or "memory.small" (no whole block), and as Check says.
  absl::Status Add(const Range& memory, int node);
  // Removes them. If any block is online, all of them stay.
  void Remove(const Range& memory);
  // Refused with EBUSY, "memory.left", if blocks that stayed are in `memory`.
  absl::Status Check(const Range& memory) const;

  // Handles a write to auto_online_blocks, the policy for new blocks. Refused with EINVAL.
  absl::Status SetPolicy(absl::string_view text);
  const std::string& policy() const {
    engine().AssertLocked();
    return policy_;
  }

  std::string place() const override { return "devices/system/memory"; }
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }

 private:
  // By number.
  std::map<uint64_t, std::shared_ptr<MemoryBlock>> blocks_ ABSL_GUARDED_BY(engine().lock());
  std::map<int, std::shared_ptr<MemoryNode>> nodes_ ABSL_GUARDED_BY(engine().lock());
  std::string policy_ ABSL_GUARDED_BY(engine().lock()) = "offline";
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_MEMORY_BLOCKS_H_
