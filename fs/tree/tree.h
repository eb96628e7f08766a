// SPDX-License-Identifier: Apache-2.0
// The mounted tree: names, inode numbers and what each node stands for. No I/O, no FUSE.
//
// It follows the device model as its listener; requests read it as NodeViews.
//
// Nodes are created late, since a thousand namespaces have a hundred thousand of them. An addition
// is recorded, and gets its nodes at the next lookup or removal, or when MakeNodes is called; the
// remaining nodes (Nodes) are created when something first looks into the directory.
//
// Thread rules: any thread. Lock order: the Engine's configuration lock, then this, then the
// ChangeBoard's. No call leaves this class while its lock is held, except to read a device's fixed
// properties.
#ifndef NVDIMMFS_FS_TREE_TREE_H_
#define NVDIMMFS_FS_TREE_TREE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/model/tree_listener.h"
#include "fs/tree/change_board.h"
#include "fs/tree/node_view.h"
#include "fs/tree/nodes.h"

namespace nvdimmfs::fs {

class Tree final : public core::TreeListener {
 public:
  // `buses_last`: all buses, their DIMMs and regions stay as long as this tree exists.
  explicit Tree(bool buses_last = true);
  ~Tree() override;
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // core::TreeListener
  void DeviceAdded(const std::shared_ptr<core::Device>& device) override;
  void DeviceRemoved(const core::Device& device) override;
  void LinkAdded(absl::string_view path, absl::string_view target) override;
  void LinkRemoved(absl::string_view path) override;
  void DataAdded(absl::string_view path, const std::shared_ptr<core::DataNode>& node) override;
  void DataRemoved(absl::string_view path) override;
  void DataChanged(absl::string_view path) override;
  void AttributeChanged(const core::Device& device, absl::string_view attribute) override;

  // The same for a given place; the listener's calls use it.
  void AddDevice(absl::string_view path, const std::shared_ptr<core::Device>& device);
  void RemoveDevice(absl::string_view path, const std::vector<core::DeviceLink>& links = {});
  void ChangeAttribute(absl::string_view path);

  // Creates the nodes of everything that was added, so that the next lookup need not wait for it.
  void MakeNodes();

  // For the end of the mount: releases everything at once and ignores the model from then on,
  // because following each removal would cost as much as the additions did.
  void Close();

  // Nothing if there is no such node, or it is gone.
  std::optional<NodeView> Find(Ino ino);
  std::optional<NodeView> FindPath(absl::string_view path);
  std::optional<NodeView> Lookup(Ino directory, absl::string_view name);
  std::optional<Ino> ParentOf(Ino ino) const;  // that of the root is the root
  std::optional<std::string> PathOf(Ino ino) const;

  // At most `limit` entries of the directory, from `offset` on, in the kernel's order and without
  // "." and "..". Entries with the same offset are never separated, so a few more than `limit` may
  // be returned. Nothing if there is no such directory.
  std::optional<std::vector<DirectoryEntry>> List(Ino directory, uint64_t offset, size_t limit);

  // Sets the fields given in `access` for that node, until it goes. False if there is no such node.
  bool SetAccess(Ino ino, const Access& access);

  ChangeBoard& changes() { return changes_; }

  // Called, under the Engine's configuration lock, for each data file that goes, and for each whose
  // bytes have changed by themselves: its cached pages must be dropped.
  void set_data_removed(std::function<void(Ino)> observer);

  uint64_t node_count();  // including nodes that are not made yet
  uint64_t data_bytes();  // capacity of all data files

 private:
  struct Addition;

  void Add(Addition addition) ABSL_LOCKS_EXCLUDED(mutex_);
  void MakeNodesLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns what `read` returns. `read` is called with the lock held, and names the directory that
  // must be filled first, if any.
  template <typename Read>
  auto Filled(const Read& read) ABSL_LOCKS_EXCLUDED(mutex_);
  void RemoveLeaf(absl::string_view path, NodeKind kind) ABSL_LOCKS_EXCLUDED(mutex_);
  void Tell(const Nodes::Removed& removed) ABSL_LOCKS_EXCLUDED(mutex_);

  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Addition> additions_ ABSL_GUARDED_BY(mutex_);  // in order of arrival
  Nodes nodes_ ABSL_GUARDED_BY(mutex_);
  std::function<void(Ino)> data_removed_ ABSL_GUARDED_BY(mutex_);
  ChangeBoard changes_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_TREE_H_
