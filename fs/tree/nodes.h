// SPDX-License-Identifier: Apache-2.0
// All nodes of the tree: creates, finds and removes them.
//
// Directories that nothing registered (the "block" above a disk) are created when something is put
// below them, and go when they are empty; the fixed ones (kFixedDirectories in nodes.cc) always
// exist. Links, and entries of a device's own directory, get their nodes only when something looks
// into the directory: IfLacking reports that, Fill creates them.
//
// Thread rules: const functions from any number of threads concurrently; the others exclusively.
#ifndef NVDIMMFS_FS_TREE_NODES_H_
#define NVDIMMFS_FS_TREE_NODES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/model/data_node.h"
#include "core/model/device.h"
#include "fs/tree/node.h"
#include "fs/tree/node_view.h"

namespace nvdimmfs::fs {

class Nodes {
 public:
  // Directories by path: those that one round of additions has used. Valid until something is
  // removed.
  using Known = absl::flat_hash_map<std::string, Node*>;
  // The numbers of removed nodes.
  struct Removed {
    std::vector<Ino> attributes;
    std::vector<Ino> data;
  };

  // `buses_last`: buses, their DIMMs and regions stay as long as the tree lives.
  explicit Nodes(bool buses_last);
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;

  // --- Finding. Null if there is none. ---

  Node* root() const { return root_.get(); }
  Node* Get(Ino ino) const;
  Node* Walk(absl::string_view path) const;
  Node* ChildOf(const Node& directory, absl::string_view name) const;
  NodeView ViewOf(const Node& node) const;
  std::string PathOf(const Node& node) const;

  // `directory` if the entries of its device have no nodes yet, else null; IfLacking also if its
  // links have none.
  Node* IfUnfilled(Node* directory) const;
  Node* IfLacking(Node* directory) const;

  uint64_t count() const { return by_ino_.size() + unfilled_; }  // including those to be made
  uint64_t data_bytes() const { return data_bytes_; }            // capacity of all data files

  // --- Creating. A node whose path is taken by a file is left out. ---

  void MakeDevice(absl::string_view path, std::shared_ptr<core::Device> device,
                  std::vector<uint16_t> modes, Known& known);
  void MakeLink(absl::string_view path, std::string target, Known& known);
  void MakeData(absl::string_view path, std::shared_ptr<core::DataNode> data, Known& known);
  // Gives a directory all the nodes that it lacks.
  void Fill(Node& directory);
  void Reserve(size_t more) { by_ino_.reserve(by_ino_.size() + more); }

  // --- Removing. ---

  // The node, what is below it, and the directories above that it leaves empty.
  void Erase(Node& node, Removed& removed);
  // The leaf at `path`, if it is of this kind.
  void EraseLeaf(absl::string_view path, NodeKind kind, Removed& removed);
  // Everything at once: afterwards nothing is found.
  void Clear();

 private:
  Node* Put(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode);
  // A new leaf at the path, which replaces an existing one; null if the path is a directory.
  Node* PutLeaf(absl::string_view path, NodeKind kind, uint16_t mode, Known& known);
  Node* PutLeafIn(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode);
  Node* MakeDirectory(absl::string_view path, Known& known);
  Node* MakeDirectoryBelow(Node& top, absl::string_view path);
  void MakeFixed();
  void PutWaiting(Node& directory);
  void PutDevice(Node& directory);
  void ForgetUnfilled(Directory& directory);

  // Whether the names of a device's attributes last, and its own.
  bool Lasts(const core::Device& device) const;
  bool DirectoryLasts(const core::Device& device) const;

  void Empty(Node& directory, Removed& removed);
  void Drop(Node& node, Removed& removed);
  // Removes the directory and those above it that nothing registered, as far as they are empty.
  void Prune(Node* directory);

  const bool buses_last_;
  std::unique_ptr<Node> root_;
  absl::flat_hash_map<Ino, Node*> by_ino_;
  Ino next_ino_ = kRootIno;
  uint64_t data_bytes_ = 0;
  uint64_t unfilled_ = 0;  // the number of nodes that are not made yet
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_NODES_H_
