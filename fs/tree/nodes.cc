// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/nodes.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/model/name_hash.h"
#include "fs/tree/link_text.h"

namespace nvdimmfs::fs {
namespace {

constexpr uint16_t kDirectoryMode = 0755;
constexpr uint16_t kLinkMode = 0777;

constexpr absl::string_view kFixedDirectories[] = {
    "bus/nd/devices",  "bus/nd/drivers", "bus/dax/devices",
    "bus/dax/drivers", "class/nd",       "class/bdi",
    "class/block",     "block",          "devices/virtual/bdi",
    "module",          "dev/by-name",    "dev/by-uuid",
    "sys/dev/char",    "sys/dev/block",  "sys/kernel/debug/btt",
};

// sys/ is shown as /sys in a private mount namespace.
constexpr absl::string_view kFixedLinks[] = {"bus", "class", "devices", "block", "module"};

// "a/b/c" is {"a/b", "c"}.
std::pair<absl::string_view, absl::string_view> SplitLast(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

Nodes::Nodes(bool buses_last) : buses_last_(buses_last) {
  root_ = std::make_unique<Node>(Node{next_ino_++, nullptr, "", 0, kDirectoryMode,
                                      NodeKind::kDirectory, std::make_unique<Directory>()});
  root_->directory().fixed = true;
  by_ino_[root_->ino] = root_.get();
  MakeFixed();
}

void Nodes::MakeFixed() {
  Known known;
  for (const absl::string_view path : kFixedDirectories)
    for (Node* node = MakeDirectory(path, known); node != nullptr; node = node->parent)
      node->directory().fixed = node->lasts = true;
  for (const absl::string_view name : kFixedLinks) {
    const std::string path = absl::StrCat("sys/", name);
    Node* link = PutLeaf(path, NodeKind::kLink, kLinkMode, known);
    link->content = std::make_unique<std::string>(name);
    link->lasts = true;
  }
}

bool Nodes::Lasts(const core::Device& device) const {
  switch (device.kind().stay()) {
    case core::DeviceKind::Stay::kWithBuses:
      return buses_last_;
    case core::DeviceKind::Stay::kForever:
      return true;
    case core::DeviceKind::Stay::kComesAndGoes:
      return false;
  }
  return false;
}

bool Nodes::DirectoryLasts(const core::Device& device) const {
  return Lasts(device) && device.kind().folders_stay();
}

// --- Finding. ---

Node* Nodes::Get(Ino ino) const {
  const auto found = by_ino_.find(ino);
  return found == by_ino_.end() ? nullptr : found->second;
}

Node* Nodes::ChildOf(const Node& directory, absl::string_view name) const {
  const auto& children = directory.directory().children;
  const auto found = children.find(ByHash::Key{core::NameHash(name), name});
  return found == children.end() ? nullptr : found->node.get();
}

Node* Nodes::Walk(absl::string_view path) const {
  Node* node = root_.get();
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (!node->is_directory()) return nullptr;
    node = ChildOf(*node, name);
    if (node == nullptr) return nullptr;
  }
  return node;
}

std::string Nodes::PathOf(const Node& node) const {
  if (node.parent == nullptr) return "";
  const std::string above = PathOf(*node.parent);
  return above.empty() ? node.name : absl::StrCat(above, "/", node.name);
}

NodeView Nodes::ViewOf(const Node& node) const {
  NodeView view;
  view.ino = node.ino;
  view.kind = node.kind;
  view.mode = node.mode;
  view.lasts = node.lasts;
  view.access = node.access;
  switch (node.kind) {
    case NodeKind::kDirectory:
      view.subdirectories = node.directory().subdirectories;
      view.device = node.directory().device;
      break;
    case NodeKind::kAttribute: {
      const auto& of = std::get<Node::AttributeOf>(node.content);
      view.device = of.device->shared_from_this();
      view.attribute = of.attribute;
      break;
    }
    case NodeKind::kLink:
      view.target = LinkText(PathOf(node), *std::get<std::unique_ptr<std::string>>(node.content));
      break;
    case NodeKind::kData:
      view.data = std::get<std::shared_ptr<core::DataNode>>(node.content);
      break;
  }
  return view;
}

// --- Making. ---

void Nodes::MakeDevice(absl::string_view path, std::shared_ptr<core::Device> device,
                       std::vector<uint16_t> modes, Known& known) {
  Node* node = MakeDirectory(path, known);
  if (node == nullptr) return;
  Directory& directory = node->directory();
  directory.on_demand = false;
  node->lasts = DirectoryLasts(*device);
  if (Lasts(*device))
    for (Node* above = node->parent; !above->lasts; above = above->parent) above->lasts = true;
  ForgetUnfilled(directory);
  for (const uint16_t mode : modes)
    if (mode != 0) ++directory.lacking;
  directory.lacking += static_cast<uint32_t>(device->inner_links().size());
  for (const std::string& below : device->directories())
    if (ChildOf(*node, below) == nullptr) ++directory.lacking;
  unfilled_ += directory.lacking;
  directory.unfilled = true;
  directory.modes = std::move(modes);
  for (core::DeviceLink& link : device->links()) MakeLink(link.path, std::move(link.target), known);
  directory.device = std::move(device);
}

void Nodes::MakeLink(absl::string_view path, std::string target, Known& known) {
  const auto [parent, name] = SplitLast(path);
  Node* directory = MakeDirectory(parent, known);
  if (directory == nullptr || name.empty()) return;
  directory->directory().waiting.push_back({std::string(name), std::move(target)});
  ++unfilled_;
}

void Nodes::PutWaiting(Node& directory) {
  for (WaitingLink& link : std::exchange(directory.directory().waiting, {})) {
    --unfilled_;
    Node* node = PutLeafIn(directory, link.name, NodeKind::kLink, kLinkMode);
    if (node == nullptr) continue;
    node->content = std::make_unique<std::string>(std::move(link.target));
    // Those at the top are the buses'.
    node->lasts = buses_last_ && &directory == root_.get();
  }
}

void Nodes::MakeData(absl::string_view path, std::shared_ptr<core::DataNode> data, Known& known) {
  Node* node = PutLeaf(path, NodeKind::kData, data->mode(), known);
  if (node == nullptr) return;
  data_bytes_ += data->size();
  node->content = std::move(data);
}

void Nodes::Fill(Node& directory) {
  if (directory.directory().unfilled) PutDevice(directory);
  PutWaiting(directory);
}

void Nodes::PutDevice(Node& node) {
  Directory& directory = node.directory();
  const core::Device& device = *directory.device;
  const absl::Span<const core::Attribute> attributes = device.attributes();
  const std::vector<uint16_t> modes = std::move(directory.modes);
  const bool lasts = Lasts(device);
  ForgetUnfilled(directory);
  for (const std::string& below : device.directories())
    if (Node* child = MakeDirectoryBelow(node, below)) {
      child->directory().on_demand = false;
      child->lasts = lasts;
    }
  for (core::DeviceLink& link : device.inner_links())
    if (ChildOf(node, link.path) == nullptr)
      Put(node, link.path, NodeKind::kLink, kLinkMode)->content =
          std::make_unique<std::string>(std::move(link.target));
  for (size_t i = 0; i < modes.size(); ++i) {
    if (modes[i] == 0) continue;
    const auto [parent, name] = SplitLast(attributes[i].name);
    Node* holder = MakeDirectoryBelow(node, parent);
    if (holder == nullptr || ChildOf(*holder, name) != nullptr) continue;
    Node* made = Put(*holder, name, NodeKind::kAttribute, modes[i]);
    made->content = Node::AttributeOf{directory.device.get(), &attributes[i]};
    made->lasts = lasts;
    for (Node* above = holder; above != &node; above = above->parent) above->lasts = lasts;
  }
}

void Nodes::ForgetUnfilled(Directory& directory) {
  unfilled_ -= directory.lacking;
  directory.lacking = 0;
  directory.unfilled = false;
  directory.modes = {};
}

Node* Nodes::IfUnfilled(Node* node) const {
  return node->is_directory() && node->directory().unfilled ? node : nullptr;
}

Node* Nodes::IfLacking(Node* node) const {
  if (node->is_directory() && !node->directory().waiting.empty()) return node;
  return IfUnfilled(node);
}

Node* Nodes::Put(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode) {
  auto made = std::make_unique<Node>(
      Node{next_ino_++, &directory, std::string(name), core::NameHash(name), mode, kind, {}});
  if (kind == NodeKind::kDirectory) {
    made->content = std::make_unique<Directory>();
    ++directory.directory().subdirectories;
  }
  Node* node = made.get();
  by_ino_[node->ino] = node;
  directory.directory().children.insert({node->hash, std::move(made)});
  return node;
}

Node* Nodes::PutLeaf(absl::string_view path, NodeKind kind, uint16_t mode, Known& known) {
  const auto [parent, name] = SplitLast(path);
  Node* directory = MakeDirectory(parent, known);
  if (directory == nullptr || name.empty()) return nullptr;
  PutWaiting(*directory);
  return PutLeafIn(*directory, name, kind, mode);
}

Node* Nodes::PutLeafIn(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode) {
  if (Node* old = ChildOf(directory, name)) {
    if (old->is_directory()) return nullptr;
    Removed ignored;  // a replaced leaf is a link, so nothing waits for it
    Drop(*old, ignored);
  }
  return Put(directory, name, kind, mode);
}

Node* Nodes::MakeDirectory(absl::string_view path, Known& known) {
  if (path.empty()) return root_.get();
  if (const auto found = known.find(path); found != known.end()) return found->second;
  const auto [parent, name] = SplitLast(path);
  Node* above = MakeDirectory(parent, known);
  Node* node = above == nullptr ? nullptr : MakeDirectoryBelow(*above, name);
  known.emplace(path, node);
  return node;
}

Node* Nodes::MakeDirectoryBelow(Node& top, absl::string_view path) {
  Node* node = &top;
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    Node* next = ChildOf(*node, name);
    if (next == nullptr) next = Put(*node, name, NodeKind::kDirectory, kDirectoryMode);
    if (!next->is_directory()) return nullptr;
    node = next;
  }
  return node;
}

// --- Removing. ---

void Nodes::Erase(Node& node, Removed& removed) {
  Node* parent = node.parent;
  if (node.is_directory()) Empty(node, removed);
  if (!node.is_directory() || !node.directory().fixed) Drop(node, removed);
  Prune(parent);
}

void Nodes::Empty(Node& directory, Removed& removed) {
  std::vector<Node*> children;
  for (const auto& child : directory.directory().children) children.push_back(child.node.get());
  for (Node* child : children) {
    if (child->is_directory()) Empty(*child, removed);
    if (!child->is_directory() || !child->directory().fixed) Drop(*child, removed);
  }
  ForgetUnfilled(directory.directory());
  unfilled_ -= std::exchange(directory.directory().waiting, {}).size();
  directory.directory().device = nullptr;
}

void Nodes::Drop(Node& node, Removed& removed) {
  if (node.kind == NodeKind::kAttribute) removed.attributes.push_back(node.ino);
  if (node.kind == NodeKind::kData) {
    removed.data.push_back(node.ino);
    data_bytes_ -= std::get<std::shared_ptr<core::DataNode>>(node.content)->size();
  }
  Directory& parent = node.parent->directory();
  if (node.is_directory()) --parent.subdirectories;
  by_ino_.erase(node.ino);
  parent.children.erase(parent.children.find(ByHash::Key{node.hash, node.name}));
}

void Nodes::Prune(Node* directory) {
  while (directory != nullptr) {
    Node* parent = directory->parent;
    const Directory& content = directory->directory();
    if (content.fixed || !content.on_demand || !content.children.empty() ||
        !content.waiting.empty())
      return;
    Removed nothing;
    Drop(*directory, nothing);
    directory = parent;
  }
}

void Nodes::EraseLeaf(absl::string_view path, NodeKind kind, Removed& removed) {
  Node* directory = Walk(SplitLast(path).first);
  if (directory == nullptr || !directory->is_directory()) return;
  PutWaiting(*directory);
  Node* node = ChildOf(*directory, SplitLast(path).second);
  if (node != nullptr && node->kind == kind) Erase(*node, removed);
}

void Nodes::Clear() {
  by_ino_ = {};
  root_->content = std::make_unique<Directory>();
  unfilled_ = data_bytes_ = 0;
}

}  // namespace nvdimmfs::fs
