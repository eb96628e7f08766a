// SPDX-License-Identifier: Apache-2.0
// devices/system/memory and devices/system/node: the blocks of memory that dax devices give to the
// system while the driver kmem has them. A state and its rules, as daxctl sees them: nothing here
// makes a kernel use the bytes.
//
// A block is offline at first. Online it belongs to a zone: Movable blocks can be taken offline
// again, blocks of Normal cannot, as in a kernel that has put something of its own there. Memory
// with an online block that loses its driver stays until the end of the mount, where a kernel keeps
// it until the next boot: its device can be bound to nothing any more.
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

// "memory33": the block_size bytes from 33 x block_size.
class MemoryBlock final : public Device {
 public:
  enum class Zone { kNone, kNormal, kMovable };  // kNone: offline

  MemoryBlock(Engine& engine, uint64_t index, int node);

  uint64_t index() const { return index_; }
  Zone zone() const {
    engine().AssertLocked();
    return zone_;
  }
  // What is written to `state`: "online", "online_kernel", "online_movable" or "offline". Refused
  // with EINVAL, "memory.state" (no such word, or the present state), and EBUSY, "memory.in_use".
  absl::Status SetState(absl::string_view text);
  // What is written to `online`: 0 or 1. Writing the present value is not an error.
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
  // Where a 1 in `online` brings it.
  Zone last_ ABSL_GUARDED_BY(engine().lock()) = Zone::kNormal;
};

// "node0": where links to its blocks are.
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

  // A node that memory may come to; known from then on. Negative ones are passed over.
  void AddNode(int number);

  // Adds the whole blocks in `memory` (system physical addresses). Refused with EINVAL,
  // "memory.node" (negative) and "memory.small" (no whole block); with EBUSY as Check.
  absl::Status Add(const Range& memory, int node);
  // Removes them, unless one is online: then all of them stay.
  void Remove(const Range& memory);
  // Refused with EBUSY, "memory.left", where blocks that stayed are in `memory`.
  absl::Status Check(const Range& memory) const;

  // What is written to auto_online_blocks: what becomes of new blocks. Refused with EINVAL.
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
