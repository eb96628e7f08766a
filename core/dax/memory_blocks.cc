// SPDX-License-Identifier: Apache-2.0
#include "core/dax/memory_blocks.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/dax/dax_kind.h"
#include "core/model/common_attributes.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;
using Zone = MemoryBlock::Zone;

MemoryBlock& AsBlock(Device& device) { return static_cast<MemoryBlock&>(device); }
MemoryBlocks& AsBlocks(Device& device) { return static_cast<MemoryBlocks&>(device); }

// --- The keywords of `state` and auto_online_blocks. ---

constexpr absl::string_view kStates[] = {"offline", "online", "online_kernel", "online_movable"};

const absl::string_view* FindState(absl::string_view text) {
  for (const absl::string_view& state : kStates)
    if (IsWord(text, state)) return &state;
  return nullptr;
}

absl::Status NoState(absl::string_view text) {
  return Refusal(
      EINVAL, "memory.state",
      absl::StrCat("\"", Trim(text),
                   "\" is not a state; write offline, online, online_kernel or online_movable"));
}

// --- A block's attributes. ---

Text ShowOnline(Device& device) {
  return std::string(AsBlock(device).zone() == Zone::kNone ? "0\n" : "1\n");
}
absl::Status StoreOnline(Device& device, absl::string_view text) {
  return AsBlock(device).SetOnline(text);
}
Text ShowPhysDevice(Device&) { return std::string("0\n"); }
Text ShowPhysIndex(Device& device) { return absl::StrFormat("%08x\n", AsBlock(device).index()); }
Text ShowRemovable(Device&) { return std::string("1\n"); }
Text ShowState(Device& device) {
  return std::string(AsBlock(device).zone() == Zone::kNone ? "offline\n" : "online\n");
}
absl::Status StoreState(Device& device, absl::string_view text) {
  return AsBlock(device).SetState(text);
}
Text ShowZones(Device& device) {
  switch (AsBlock(device).zone()) {
    case Zone::kNormal:
      return std::string("Normal\n");
    case Zone::kMovable:
      return std::string("Movable\n");
    case Zone::kNone:
      break;
  }
  return std::string("Normal Movable\n");
}

constexpr Attribute kBlockAttributes[] = {
    {.name = "online",
     .mode = 0644,
     .show = ShowOnline,
     .store = StoreOnline,
     .summary = "1: online; a 1 brings it to the zone that it was in last",
     .grammar = Grammar::kBool,
     .refusals = "input.syntax memory.in_use"},
    {.name = "phys_device", .show = ShowPhysDevice, .summary = "0"},
    {.name = "phys_index",
     .show = ShowPhysIndex,
     .summary = "number of the block: its address / block_size_bytes, in hex"},
    {.name = "removable", .show = ShowRemovable, .summary = "1"},
    {.name = "state",
     .mode = 0644,
     .show = ShowState,
     .store = StoreState,
     .summary = "online or offline",
     .grammar = "offline | online | online_kernel | online_movable",
     .refusals = "memory.state memory.unchanged memory.in_use"},
    kUeventAttribute,
    {.name = "valid_zones",
     .show = ShowZones,
     .summary = "the zone that it is in, or while offline those that it may join"},
};

// --- What all blocks share. ---

Text ShowBlockSize(Device&) { return absl::StrFormat("%x\n", kMemoryBlockSize); }
Text ShowPolicy(Device& device) { return absl::StrCat(AsBlocks(device).policy(), "\n"); }
absl::Status StorePolicy(Device& device, absl::string_view text) {
  return AsBlocks(device).SetPolicy(text);
}

constexpr Attribute kMemoryAttributes[] = {
    {.name = "auto_online_blocks",
     .mode = 0644,
     .show = ShowPolicy,
     .store = StorePolicy,
     .summary = "the state that new blocks get",
     .grammar = "offline | online | online_kernel | online_movable",
     .refusals = "memory.state"},
    {.name = "block_size_bytes", .show = ShowBlockSize, .summary = "bytes of a block, in hex"},
};

// The numbers of the whole blocks in `memory`: the first, and one after the last.
struct Numbers {
  uint64_t begin, end;
};
Numbers WholeBlocks(const Range& memory) {
  const uint64_t begin =
      memory.start / kMemoryBlockSize + (memory.start % kMemoryBlockSize != 0 ? 1 : 0);
  return {begin, std::max(begin, memory.end() / kMemoryBlockSize)};
}

}  // namespace

// --- A block. ---

MemoryBlock::MemoryBlock(Engine& engine, uint64_t index, int node)
    : Device(engine, DaxKind::kMemoryBlock, absl::StrCat("memory", index), nullptr),
      index_(index),
      node_(node) {}

std::string MemoryBlock::place() const { return absl::StrCat("devices/system/memory/", name()); }

absl::Span<const Attribute> MemoryBlock::Table() { return kBlockAttributes; }

std::vector<DeviceLink> MemoryBlock::inner_links() const {
  return {{absl::StrCat("node", node_), absl::StrCat("devices/system/node/node", node_)}};
}

std::vector<DeviceLink> MemoryBlock::links() const {
  return {{absl::StrCat("devices/system/node/node", node_, "/", name()), path()}};
}

absl::Status MemoryBlock::GoOffline() {
  engine().AssertLocked();
  if (zone_ == Zone::kNormal)
    return Refusal(
        EBUSY, "memory.in_use",
        absl::StrCat(
            name(),
            ": a block of zone Normal cannot go offline, as the kernel has put data of its "
            "own there; bring blocks online with online_movable"));
  zone_ = Zone::kNone;
  return absl::OkStatus();
}

absl::Status MemoryBlock::SetState(absl::string_view text) {
  engine().AssertLocked();
  const absl::string_view* const state = FindState(text);
  if (state == nullptr) return NoState(text);
  if ((zone_ == Zone::kNone) == (*state == "offline"))
    return Refusal(
        EINVAL, "memory.unchanged",
        absl::StrCat(name(), " is ", zone_ == Zone::kNone ? "offline" : "online", " already"));
  if (*state == "offline") return GoOffline();
  zone_ = last_ = *state == "online_movable" ? Zone::kMovable : Zone::kNormal;
  return absl::OkStatus();
}

absl::Status MemoryBlock::SetOnline(absl::string_view text) {
  engine().AssertLocked();
  ASSIGN_OR_RETURN(const bool online, ParseBool(text, engine().kernel()));
  if (online == (zone_ != Zone::kNone)) return absl::OkStatus();
  if (!online) return GoOffline();
  zone_ = last_;
  return absl::OkStatus();
}

// --- A node. ---

MemoryNode::MemoryNode(Engine& engine, int number)
    : Device(engine, DaxKind::kMemoryNode, absl::StrCat("node", number), nullptr) {}

std::string MemoryNode::place() const { return absl::StrCat("devices/system/node/", name()); }

// --- All of them. ---

MemoryBlocks::MemoryBlocks(Engine& engine) : Device(engine, DaxKind::kMemory, "memory", nullptr) {}

std::shared_ptr<MemoryBlocks> MemoryBlocks::Make(Engine& engine) {
  auto blocks = std::make_shared<MemoryBlocks>(engine);
  engine.Register(blocks);
  return blocks;
}

void MemoryBlocks::AddNode(int number) {
  engine().AssertLocked();
  if (number < 0 || nodes_.count(number) != 0) return;
  auto node = std::make_shared<MemoryNode>(engine(), number);
  nodes_[number] = node;
  engine().Register(node);
}

absl::Status MemoryBlocks::Add(const Range& memory, int node) {
  engine().AssertLocked();
  if (node < 0)
    return Refusal(EINVAL, "memory.node", "memory without a node (target_node) cannot be added");
  const auto [begin, end] = WholeBlocks(memory);
  if (begin == end)
    return Refusal(EINVAL, "memory.small",
                   absl::StrCat("between ", FormatHex(memory.start), " and ",
                                FormatHex(memory.end()), " no whole block of ", kMemoryBlockSize,
                                " bytes is left once the ends are aligned: a larger namespace is "
                                "needed"));
  RETURN_IF_ERROR(Check(memory));
  AddNode(node);
  for (uint64_t index = begin; index < end; ++index) {
    auto block = std::make_shared<MemoryBlock>(engine(), index, node);
    if (policy_ != "offline") block->SetState(policy_).IgnoreError();  // cannot fail: it is offline
    blocks_[index] = block;
    engine().Register(block);
  }
  return absl::OkStatus();
}

void MemoryBlocks::Remove(const Range& memory) {
  engine().AssertLocked();
  const auto [begin, end] = WholeBlocks(memory);
  const auto first = blocks_.lower_bound(begin), last = blocks_.lower_bound(end);
  if (std::any_of(first, last,
                  [](const auto& entry) { return entry.second->zone() != Zone::kNone; }))
    return;
  for (auto it = first; it != last; it = blocks_.erase(it)) engine().Unregister(*it->second);
}

absl::Status MemoryBlocks::Check(const Range& memory) const {
  engine().AssertLocked();
  const auto [begin, end] = WholeBlocks(memory);
  if (blocks_.lower_bound(begin) == blocks_.lower_bound(end)) return absl::OkStatus();
  return Refusal(
      EBUSY, "memory.left",
      absl::StrCat("memory between ", FormatHex(memory.start), " and ", FormatHex(memory.end()),
                   " was online when its driver went, and stays the system's until the "
                   "end of the mount (in a kernel: the next boot)"));
}

absl::Status MemoryBlocks::SetPolicy(absl::string_view text) {
  engine().AssertLocked();
  const absl::string_view* const state = FindState(text);
  if (state == nullptr) return NoState(text);
  policy_ = std::string(*state);
  return absl::OkStatus();
}

absl::Span<const Attribute> MemoryBlocks::Table() { return kMemoryAttributes; }

}  // namespace nvdimmfs::core
