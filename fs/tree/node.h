// SPDX-License-Identifier: Apache-2.0
// The nodes of the tree in memory. Part of Nodes; nothing outside fs/tree sees them.
#ifndef NVDIMMFS_FS_TREE_NODE_H_
#define NVDIMMFS_FS_TREE_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "core/model/attribute.h"
#include "core/model/data_node.h"
#include "core/model/device.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

struct Node;

// A child with its hash, so that a search in a large directory need not look into other nodes.
struct Child {
  uint32_t hash;
  std::unique_ptr<Node> node;
};

// Children in the kernel's order: by hash, then by name.
struct ByHash {
  using is_transparent = void;
  struct Key {
    uint32_t hash;
    absl::string_view name;
  };
  static absl::string_view NameOf(const Child& child);
  static absl::string_view NameOf(const Key& key) { return key.name; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return a.hash != b.hash ? a.hash < b.hash : NameOf(a) < NameOf(b);
  }
};

// A link that has no node yet.
struct WaitingLink {
  std::string name;
  std::string target;
};

struct Directory {
  absl::btree_set<Child, ByHash> children;
  std::vector<WaitingLink> waiting;      // get their nodes at the first look into this directory
  std::shared_ptr<core::Device> device;  // if this is a device's own directory
  uint32_t subdirectories = 0;
  bool fixed = false;     // is never removed
  bool on_demand = true;  // is removed when empty
  // A device's own directory, until it is filled: how many nodes it lacks, and the modes of the
  // attributes (0: hidden), which are asked for once, when the device is registered.
  bool unfilled = false;
  uint32_t lacking = 0;
  std::vector<uint16_t> modes;
};

struct Node {
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

inline absl::string_view ByHash::NameOf(const Child& child) { return child.node->name; }

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_NODE_H_
