// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/tree.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/model/engine.h"
#include "core/model/name_hash.h"

namespace nvdimmfs::fs {

// An addition that has no nodes yet.
struct Tree::Addition {
  struct OfDevice {
    std::shared_ptr<core::Device> device;
    std::vector<uint16_t> modes;  // of its attributes
  };
  std::string path;
  std::variant<OfDevice, std::string, std::shared_ptr<core::DataNode>> what;  // a link's target
};

Tree::Tree(bool buses_last) : nodes_(buses_last) {}

Tree::~Tree() = default;

// --- The listener. ---

void Tree::DeviceAdded(const std::shared_ptr<core::Device>& device) {
  AddDevice(device->path(), device);
}

void Tree::DeviceRemoved(const core::Device& device) {
  RemoveDevice(device.path(), device.links());
}

void Tree::AttributeChanged(const core::Device& device, absl::string_view attribute) {
  ChangeAttribute(absl::StrCat(device.path(), "/", attribute));
}

void Tree::AddDevice(absl::string_view path, const std::shared_ptr<core::Device>& device) {
  std::vector<uint16_t> modes;
  modes.reserve(device->attributes().size());
  for (const core::Attribute& attribute : device->attributes())
    modes.push_back(device->engine().ModeOf(*device, attribute));
  Add({std::string(path), Addition::OfDevice{device, std::move(modes)}});
}

// --- From additions to nodes. ---

void Tree::MakeNodes() {
  absl::MutexLock lock(&mutex_);
  MakeNodesLocked();
}

void Tree::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  additions_ = {};
  nodes_.Clear();
}

void Tree::Add(Addition addition) {
  absl::MutexLock lock(&mutex_);
  if (!closed_) additions_.push_back(std::move(addition));
}

void Tree::MakeNodesLocked() {
  if (additions_.empty()) return;
  nodes_.Reserve(additions_.size());
  Nodes::Known known;
  for (Addition& addition : std::exchange(additions_, {})) {
    if (auto* of = std::get_if<Addition::OfDevice>(&addition.what))
      nodes_.MakeDevice(addition.path, std::move(of->device), std::move(of->modes), known);
    else if (auto* target = std::get_if<std::string>(&addition.what))
      nodes_.MakeLink(addition.path, std::move(*target), known);
    else
      nodes_.MakeData(addition.path,
                      std::get<std::shared_ptr<core::DataNode>>(std::move(addition.what)), known);
  }
}

template <typename Read>
auto Tree::Filled(const Read& read) {
  Node* unfilled = nullptr;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (additions_.empty()) {
      auto result = read(unfilled);
      if (unfilled == nullptr) return result;
    }
  }
  absl::MutexLock lock(&mutex_);
  MakeNodesLocked();
  while (true) {
    // Start again: the tree may have changed.
    unfilled = nullptr;
    auto result = read(unfilled);
    if (unfilled == nullptr) return result;
    nodes_.Fill(*unfilled);
  }
}

void Tree::RemoveDevice(absl::string_view path, const std::vector<core::DeviceLink>& links) {
  Nodes::Removed removed;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;
    MakeNodesLocked();
    for (const core::DeviceLink& link : links)
      nodes_.EraseLeaf(link.path, NodeKind::kLink, removed);
    Node* node = nodes_.Walk(path);
    if (node == nullptr || !node->is_directory()) return;
    nodes_.Erase(*node, removed);
  }
  Tell(removed);
}

void Tree::LinkAdded(absl::string_view path, absl::string_view target) {
  Add({std::string(path), std::string(target)});
}

void Tree::LinkRemoved(absl::string_view path) { RemoveLeaf(path, NodeKind::kLink); }

void Tree::DataAdded(absl::string_view path, const std::shared_ptr<core::DataNode>& data) {
  Add({std::string(path), data});
}

void Tree::DataRemoved(absl::string_view path) { RemoveLeaf(path, NodeKind::kData); }

void Tree::DataChanged(absl::string_view path) {
  const std::optional<NodeView> node = FindPath(path);
  if (node && node->kind == NodeKind::kData) Tell({.attributes = {}, .data = {node->ino}});
}

void Tree::RemoveLeaf(absl::string_view path, NodeKind kind) {
  Nodes::Removed removed;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;
    MakeNodesLocked();
    nodes_.EraseLeaf(path, kind, removed);
  }
  Tell(removed);
}

void Tree::ChangeAttribute(absl::string_view path) {
  Ino ino;
  {
    absl::ReaderMutexLock lock(&mutex_);
    // Nothing waits for an attribute that has no node.
    const Node* node = nodes_.Walk(path);
    if (node == nullptr || node->kind != NodeKind::kAttribute) return;
    ino = node->ino;
  }
  changes_.Changed(ino);
}

void Tree::Tell(const Nodes::Removed& removed) {
  for (const Ino ino : removed.attributes) changes_.Removed(ino);
  std::function<void(Ino)> observer;
  {
    absl::ReaderMutexLock lock(&mutex_);
    observer = data_removed_;
  }
  if (!observer) return;
  for (const Ino ino : removed.data) observer(ino);
}

void Tree::set_data_removed(std::function<void(Ino)> observer) {
  absl::MutexLock lock(&mutex_);
  data_removed_ = std::move(observer);
}

bool Tree::SetAccess(Ino ino, const Access& access) {
  absl::MutexLock lock(&mutex_);
  Node* node = nodes_.Get(ino);
  if (node == nullptr) return false;
  if (access.mode) node->access.mode = access.mode;
  if (access.uid) node->access.uid = access.uid;
  if (access.gid) node->access.gid = access.gid;
  return true;
}

// --- Reading. ---

std::optional<NodeView> Tree::Find(Ino ino) {
  return Filled([&](Node*& unfilled) -> std::optional<NodeView> {
    mutex_.AssertReaderHeld();
    Node* node = nodes_.Get(ino);
    if (node == nullptr || (unfilled = nodes_.IfUnfilled(node)) != nullptr) return std::nullopt;
    return nodes_.ViewOf(*node);
  });
}

std::optional<NodeView> Tree::FindPath(absl::string_view path) {
  return Filled([&](Node*& unfilled) -> std::optional<NodeView> {
    mutex_.AssertReaderHeld();
    Node* node = nodes_.root();
    for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
      if (!node->is_directory() || (unfilled = nodes_.IfLacking(node)) != nullptr)
        return std::nullopt;
      node = nodes_.ChildOf(*node, name);
      if (node == nullptr) return std::nullopt;
    }
    if ((unfilled = nodes_.IfUnfilled(node)) != nullptr) return std::nullopt;
    return nodes_.ViewOf(*node);
  });
}

std::optional<NodeView> Tree::Lookup(Ino directory, absl::string_view name) {
  return Filled([&](Node*& unfilled) -> std::optional<NodeView> {
    mutex_.AssertReaderHeld();
    Node* parent = nodes_.Get(directory);
    if (parent == nullptr || !parent->is_directory() ||
        (unfilled = nodes_.IfLacking(parent)) != nullptr)
      return std::nullopt;
    Node* node = nodes_.ChildOf(*parent, name);
    // The result of a look-up includes the number of its directories.
    if (node == nullptr || (unfilled = nodes_.IfUnfilled(node)) != nullptr) return std::nullopt;
    return nodes_.ViewOf(*node);
  });
}

std::optional<Ino> Tree::ParentOf(Ino ino) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Node* node = nodes_.Get(ino);
  if (node == nullptr) return std::nullopt;
  return node->parent == nullptr ? node->ino : node->parent->ino;
}

std::optional<std::string> Tree::PathOf(Ino ino) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Node* node = nodes_.Get(ino);
  if (node == nullptr) return std::nullopt;
  return nodes_.PathOf(*node);
}

std::optional<std::vector<DirectoryEntry>> Tree::List(Ino ino, uint64_t offset, size_t limit) {
  using Entries = std::optional<std::vector<DirectoryEntry>>;
  return Filled([&](Node*& unfilled) -> Entries {
    mutex_.AssertReaderHeld();
    Node* node = nodes_.Get(ino);
    if (node == nullptr || !node->is_directory() || (unfilled = nodes_.IfLacking(node)) != nullptr)
      return std::nullopt;
    std::vector<DirectoryEntry> entries;
    if (offset >= core::kEndOffset) return entries;
    const auto& children = node->directory().children;
    for (auto at = children.lower_bound(ByHash::Key{static_cast<uint32_t>(offset), ""});
         at != children.end(); ++at) {
      const Node& child = *at->node;
      if (entries.size() >= limit && entries.back().offset != child.hash) break;
      const auto next = std::next(at);
      entries.push_back({child.name, child.ino, child.kind, child.hash,
                         next == children.end() ? core::kEndOffset : next->hash});
    }
    return entries;
  });
}

uint64_t Tree::node_count() {
  absl::MutexLock lock(&mutex_);
  MakeNodesLocked();
  return nodes_.count();
}

uint64_t Tree::data_bytes() {
  absl::MutexLock lock(&mutex_);
  MakeNodesLocked();
  return nodes_.data_bytes();
}

}  // namespace nvdimmfs::fs
