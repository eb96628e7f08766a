#include "fs/tree.h"

#include <tuple>
#include <utility>
#include <variant>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fs/link_text.h"
#include "fs/name_hash.h"

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

// sys/ is what a private mount namespace shows as /sys.
constexpr absl::string_view kFixedLinks[] = {"bus", "class", "devices", "block", "module"};

// "a/b/c" is {"a/b", "c"}.
std::pair<absl::string_view, absl::string_view> SplitLast(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

// A child beside its hash: whoever searches a large directory looks into no other node.
struct Tree::Entry {
  uint32_t hash;
  std::unique_ptr<Node> node;
};

// Children in the kernel's order: by hash, then by name.
struct Tree::ByHash {
  using is_transparent = void;
  struct Key {
    uint32_t hash;
    absl::string_view name;
  };
  static absl::string_view NameOf(const Entry& entry);
  static absl::string_view NameOf(const Key& key) { return key.name; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return a.hash != b.hash ? a.hash < b.hash : NameOf(a) < NameOf(b);
  }
};

// What is there, but has no nodes yet.
struct Tree::Addition {
  struct OfDevice {
    std::shared_ptr<core::Device> device;
    std::vector<uint16_t> modes;  // of its attributes
  };
  std::string path;
  std::variant<OfDevice, std::string, std::shared_ptr<core::DataNode>> what;  // a link's target
};

// A link without a node.
struct Tree::Waiting {
  std::string name;
  std::string target;
};

struct Tree::Directory {
  absl::btree_set<Entry, ByHash> children;
  std::vector<Waiting> waiting;          // links that get their nodes when somebody looks in here
  std::shared_ptr<core::Device> device;  // where this is a device's own directory
  uint32_t subdirectories = 0;
  bool fixed = false;     // never goes
  bool on_demand = true;  // goes when empty
  // Of a device's own, until it is filled: how many nodes it lacks, and the modes of the attributes
  // (0: hidden), which are asked for once, when the device is registered.
  bool unfilled = false;
  uint32_t lacking = 0;
  std::vector<uint16_t> modes;
};

struct Tree::Node {
  struct AttributeOf {
    core::Device* device;  // owned by the directory above that is the device's own
    const core::Attribute* attribute;
  };
  using Content = std::variant<std::unique_ptr<Directory>, AttributeOf,
                               std::unique_ptr<std::string>, std::shared_ptr<core::DataNode>>;

  Ino ino;
  Node* parent;
  std::string name;
  uint32_t hash;
  uint16_t mode;
  NodeKind kind;
  Content content;
  Access access = {};
  bool lasts = false;  // NodeView::lasts

  bool is_directory() const { return kind == NodeKind::kDirectory; }
  Directory& directory() const { return *std::get<std::unique_ptr<Directory>>(content); }
};

absl::string_view Tree::ByHash::NameOf(const Entry& entry) { return entry.node->name; }

bool Tree::Lasts(const core::Device& device) const {
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

bool Tree::DirectoryLasts(const core::Device& device) const {
  return Lasts(device) && device.kind().folders_stay();
}

Tree::Tree(bool buses_last) : buses_last_(buses_last) {
  absl::MutexLock lock(&mutex_);
  root_ = std::make_unique<Node>(Node{next_ino_++, nullptr, "", 0, kDirectoryMode,
                                      NodeKind::kDirectory, std::make_unique<Directory>()});
  root_->directory().fixed = true;
  by_ino_[root_->ino] = root_.get();
  MakeFixed();
}

Tree::~Tree() = default;

void Tree::MakeFixed() {
  Directories made;
  for (const absl::string_view path : kFixedDirectories)
    for (Node* node = MakeDirectory(path, made); node != nullptr; node = node->parent)
      node->directory().fixed = node->lasts = true;
  for (const absl::string_view name : kFixedLinks) {
    const std::string path = absl::StrCat("sys/", name);
    Node* link = PutLeaf(path, NodeKind::kLink, kLinkMode, made);
    link->content = std::make_unique<std::string>(name);
    link->lasts = true;
  }
}

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
    modes.push_back(attribute.visible == nullptr ? attribute.mode : attribute.visible(*device));
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
  by_ino_ = {};
  root_->content = std::make_unique<Directory>();
  unfilled_ = data_bytes_ = 0;
}

void Tree::Add(Addition addition) {
  absl::MutexLock lock(&mutex_);
  if (!closed_) additions_.push_back(std::move(addition));
}

void Tree::MakeNodesLocked() {
  if (additions_.empty()) return;
  by_ino_.reserve(by_ino_.size() + additions_.size());
  Directories made;
  for (Addition& addition : std::exchange(additions_, {})) {
    if (auto* of = std::get_if<Addition::OfDevice>(&addition.what))
      MakeDevice(addition.path, std::move(of->device), std::move(of->modes), made);
    else if (auto* target = std::get_if<std::string>(&addition.what))
      MakeLink(addition.path, std::move(*target), made);
    else
      MakeData(addition.path, std::get<std::shared_ptr<core::DataNode>>(std::move(addition.what)),
               made);
  }
}

void Tree::MakeDevice(absl::string_view path, std::shared_ptr<core::Device> device,
                      std::vector<uint16_t> modes, Directories& made) {
  Node* node = MakeDirectory(path, made);
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
    if (Child(*node, below) == nullptr) ++directory.lacking;
  unfilled_ += directory.lacking;
  directory.unfilled = true;
  directory.modes = std::move(modes);
  for (core::DeviceLink& link : device->links()) MakeLink(link.path, std::move(link.target), made);
  directory.device = std::move(device);
}

void Tree::MakeLink(absl::string_view path, std::string target, Directories& made) {
  const auto [parent, name] = SplitLast(path);
  Node* directory = MakeDirectory(parent, made);
  if (directory == nullptr || name.empty()) return;
  directory->directory().waiting.push_back({std::string(name), std::move(target)});
  ++unfilled_;
}

void Tree::PutWaiting(Node& directory) {
  for (Waiting& link : std::exchange(directory.directory().waiting, {})) {
    --unfilled_;
    Node* node = PutLeafIn(directory, link.name, NodeKind::kLink, kLinkMode);
    if (node == nullptr) continue;
    node->content = std::make_unique<std::string>(std::move(link.target));
    // Those at the top are the buses'.
    node->lasts = buses_last_ && &directory == root_.get();
  }
}

void Tree::MakeData(absl::string_view path, std::shared_ptr<core::DataNode> data,
                    Directories& made) {
  Node* node = PutLeaf(path, NodeKind::kData, data->mode(), made);
  if (node == nullptr) return;
  data_bytes_ += data->size();
  node->content = std::move(data);
}

void Tree::Fill(Node& node) {
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
    if (Child(node, link.path) == nullptr)
      Put(node, link.path, NodeKind::kLink, kLinkMode)->content =
          std::make_unique<std::string>(std::move(link.target));
  for (size_t i = 0; i < modes.size(); ++i) {
    if (modes[i] == 0) continue;
    const auto [parent, name] = SplitLast(attributes[i].name);
    Node* holder = MakeDirectoryBelow(node, parent);
    if (holder == nullptr || Child(*holder, name) != nullptr) continue;
    Node* made = Put(*holder, name, NodeKind::kAttribute, modes[i]);
    made->content = Node::AttributeOf{directory.device.get(), &attributes[i]};
    made->lasts = lasts;
    for (Node* above = holder; above != &node; above = above->parent) above->lasts = lasts;
  }
}

void Tree::ForgetUnfilled(Directory& directory) {
  unfilled_ -= directory.lacking;
  directory.lacking = 0;
  directory.unfilled = false;
  directory.modes = {};
}

Tree::Node* Tree::IfUnfilled(Node* node) {
  return node->is_directory() && node->directory().unfilled ? node : nullptr;
}

Tree::Node* Tree::IfLacking(Node* node) {
  if (node->is_directory() && !node->directory().waiting.empty()) return node;
  return IfUnfilled(node);
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
    // Again from the start: the tree may be another by now.
    unfilled = nullptr;
    auto result = read(unfilled);
    if (unfilled == nullptr) return result;
    if (unfilled->directory().unfilled) Fill(*unfilled);
    PutWaiting(*unfilled);
  }
}

void Tree::RemoveDevice(absl::string_view path, const std::vector<core::DeviceLink>& links) {
  Removed removed;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;
    MakeNodesLocked();
    for (const core::DeviceLink& link : links) EraseLeaf(link.path, NodeKind::kLink, removed);
    Node* node = Walk(path);
    if (node == nullptr || !node->is_directory()) return;
    Erase(*node, removed);
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
  Removed removed;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;
    MakeNodesLocked();
    EraseLeaf(path, kind, removed);
  }
  Tell(removed);
}

void Tree::EraseLeaf(absl::string_view path, NodeKind kind, Removed& removed) {
  Node* directory = Walk(SplitLast(path).first);
  if (directory == nullptr || !directory->is_directory()) return;
  PutWaiting(*directory);
  Node* node = Child(*directory, SplitLast(path).second);
  if (node != nullptr && node->kind == kind) Erase(*node, removed);
}

void Tree::ChangeAttribute(absl::string_view path) {
  Ino ino;
  {
    absl::ReaderMutexLock lock(&mutex_);
    // One without a node has nobody who waits for it.
    const Node* node = Walk(path);
    if (node == nullptr || node->kind != NodeKind::kAttribute) return;
    ino = node->ino;
  }
  changes_.Changed(ino);
}

void Tree::Tell(const Removed& removed) {
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
  Node* node = Get(ino);
  if (node == nullptr) return false;
  if (access.mode) node->access.mode = access.mode;
  if (access.uid) node->access.uid = access.uid;
  if (access.gid) node->access.gid = access.gid;
  return true;
}

// --- Making nodes. ---

Tree::Node* Tree::Put(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode) {
  auto made = std::make_unique<Node>(
      Node{next_ino_++, &directory, std::string(name), NameHash(name), mode, kind, {}});
  if (kind == NodeKind::kDirectory) {
    made->content = std::make_unique<Directory>();
    ++directory.directory().subdirectories;
  }
  Node* node = made.get();
  by_ino_[node->ino] = node;
  directory.directory().children.insert({node->hash, std::move(made)});
  return node;
}

Tree::Node* Tree::PutLeaf(absl::string_view path, NodeKind kind, uint16_t mode, Directories& made) {
  const auto [parent, name] = SplitLast(path);
  Node* directory = MakeDirectory(parent, made);
  if (directory == nullptr || name.empty()) return nullptr;
  PutWaiting(*directory);
  return PutLeafIn(*directory, name, kind, mode);
}

Tree::Node* Tree::PutLeafIn(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode) {
  if (Node* old = Child(directory, name)) {
    if (old->is_directory()) return nullptr;
    Removed ignored;  // a replaced leaf is a link: nobody waits for it
    Drop(*old, ignored);
  }
  return Put(directory, name, kind, mode);
}

Tree::Node* Tree::MakeDirectory(absl::string_view path, Directories& made) {
  if (path.empty()) return root_.get();
  if (const auto known = made.find(path); known != made.end()) return known->second;
  const auto [parent, name] = SplitLast(path);
  Node* above = MakeDirectory(parent, made);
  Node* node = above == nullptr ? nullptr : MakeDirectoryBelow(*above, name);
  made.emplace(path, node);
  return node;
}

Tree::Node* Tree::MakeDirectoryBelow(Node& top, absl::string_view path) {
  Node* node = &top;
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    Node* next = Child(*node, name);
    if (next == nullptr) next = Put(*node, name, NodeKind::kDirectory, kDirectoryMode);
    if (!next->is_directory()) return nullptr;
    node = next;
  }
  return node;
}

// --- Removing nodes. ---

void Tree::Erase(Node& node, Removed& removed) {
  Node* parent = node.parent;
  if (node.is_directory()) Empty(node, removed);
  if (!node.is_directory() || !node.directory().fixed) Drop(node, removed);
  Prune(parent);
}

void Tree::Empty(Node& directory, Removed& removed) {
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

void Tree::Drop(Node& node, Removed& removed) {
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

void Tree::Prune(Node* directory) {
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

// --- Reading. ---

Tree::Node* Tree::Get(Ino ino) const {
  const auto found = by_ino_.find(ino);
  return found == by_ino_.end() ? nullptr : found->second;
}

Tree::Node* Tree::Child(const Node& directory, absl::string_view name) {
  const auto& children = directory.directory().children;
  const auto found = children.find(ByHash::Key{NameHash(name), name});
  return found == children.end() ? nullptr : found->node.get();
}

Tree::Node* Tree::Walk(absl::string_view path) const {
  Node* node = root_.get();
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (!node->is_directory()) return nullptr;
    node = Child(*node, name);
    if (node == nullptr) return nullptr;
  }
  return node;
}

NodeView Tree::ViewOf(const Node& node) const {
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
      view.target =
          LinkText(PathLocked(node), *std::get<std::unique_ptr<std::string>>(node.content));
      break;
    case NodeKind::kData:
      view.data = std::get<std::shared_ptr<core::DataNode>>(node.content);
      break;
  }
  return view;
}

std::optional<NodeView> Tree::Find(Ino ino) {
  return Filled([&](Node*& unfilled) -> std::optional<NodeView> {
    mutex_.AssertReaderHeld();
    Node* node = Get(ino);
    if (node == nullptr || (unfilled = IfUnfilled(node)) != nullptr) return std::nullopt;
    return ViewOf(*node);
  });
}

std::optional<NodeView> Tree::FindPath(absl::string_view path) {
  return Filled([&](Node*& unfilled) -> std::optional<NodeView> {
    mutex_.AssertReaderHeld();
    Node* node = root_.get();
    for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
      if (!node->is_directory() || (unfilled = IfLacking(node)) != nullptr) return std::nullopt;
      node = Child(*node, name);
      if (node == nullptr) return std::nullopt;
    }
    if ((unfilled = IfUnfilled(node)) != nullptr) return std::nullopt;
    return ViewOf(*node);
  });
}

std::optional<NodeView> Tree::Lookup(Ino directory, absl::string_view name) {
  return Filled([&](Node*& unfilled) -> std::optional<NodeView> {
    mutex_.AssertReaderHeld();
    Node* parent = Get(directory);
    if (parent == nullptr || !parent->is_directory() || (unfilled = IfLacking(parent)) != nullptr)
      return std::nullopt;
    Node* node = Child(*parent, name);
    // What is looked up tells how many directories it has.
    if (node == nullptr || (unfilled = IfUnfilled(node)) != nullptr) return std::nullopt;
    return ViewOf(*node);
  });
}

std::optional<Ino> Tree::ParentOf(Ino ino) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Node* node = Get(ino);
  if (node == nullptr) return std::nullopt;
  return node->parent == nullptr ? node->ino : node->parent->ino;
}

std::optional<std::string> Tree::PathOf(Ino ino) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Node* node = Get(ino);
  if (node == nullptr) return std::nullopt;
  return PathLocked(*node);
}

std::string Tree::PathLocked(const Node& node) const {
  if (node.parent == nullptr) return "";
  const std::string above = PathLocked(*node.parent);
  return above.empty() ? node.name : absl::StrCat(above, "/", node.name);
}

std::optional<std::vector<DirectoryEntry>> Tree::List(Ino ino, uint64_t offset, size_t limit) {
  using Entries = std::optional<std::vector<DirectoryEntry>>;
  return Filled([&](Node*& unfilled) -> Entries {
    mutex_.AssertReaderHeld();
    Node* node = Get(ino);
    if (node == nullptr || !node->is_directory() || (unfilled = IfLacking(node)) != nullptr)
      return std::nullopt;
    std::vector<DirectoryEntry> entries;
    if (offset >= kEndOffset) return entries;
    const auto& children = node->directory().children;
    for (auto at = children.lower_bound(ByHash::Key{static_cast<uint32_t>(offset), ""});
         at != children.end(); ++at) {
      const Node& child = *at->node;
      if (entries.size() >= limit && entries.back().offset != child.hash) break;
      const auto next = std::next(at);
      entries.push_back({child.name, child.ino, child.kind, child.hash,
                         next == children.end() ? kEndOffset : next->hash});
    }
    return entries;
  });
}

uint64_t Tree::node_count() {
  absl::MutexLock lock(&mutex_);
  MakeNodesLocked();
  return by_ino_.size() + unfilled_;
}

uint64_t Tree::data_bytes() {
  absl::MutexLock lock(&mutex_);
  MakeNodesLocked();
  return data_bytes_;
}

}  // namespace nvdimmfs::fs
