// The mounted tree: names, inode numbers and what each node stands for. No I/O, no FUSE.
//
// It follows the device model as its listener; requests read it as NodeViews. Directories that
// nobody registered (the "block" above a disk) are made when something is put below them and go
// when they are empty; the fixed ones (kFixedDirectories in tree.cc) always exist.
//
// Nodes are made late, as a thousand namespaces have a hundred thousand of them: what is added is
// noted, and gets its nodes at the next look or removal, or when MakeNodes is called; links, and
// what a device itself has in its directory, get them when somebody first looks into the directory.
//
// Thread rules: any thread. Lock order: the Engine's configuration lock, then this, then the
// ChangeBoard's; no call leaves this class while its lock is held, except to read a device's fixed
// properties.
#ifndef NVDIMMFS_FS_TREE_H_
#define NVDIMMFS_FS_TREE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/model/tree_listener.h"
#include "fs/change_board.h"
#include "fs/node_view.h"

namespace nvdimmfs::fs {

class Tree final : public core::TreeListener {
 public:
  // `buses_last`: the buses, their DIMMs and regions that it is told of stay as long as it lives.
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

  // The same with the place said: what the listener's calls come down to.
  void AddDevice(absl::string_view path, const std::shared_ptr<core::Device>& device);
  void RemoveDevice(absl::string_view path, const std::vector<core::DeviceLink>& links = {});
  void ChangeAttribute(absl::string_view path);

  // Gives everything that was added its nodes, so that the next to look need not wait for it.
  void MakeNodes();

  // For the end: lets go of everything at once and follows the model no longer, which would cost as
  // much as all that has been added.
  void Close();

  // Nothing where there is no such node, or not any more.
  std::optional<NodeView> Find(Ino ino);
  std::optional<NodeView> FindPath(absl::string_view path);
  std::optional<NodeView> Lookup(Ino directory, absl::string_view name);
  std::optional<Ino> ParentOf(Ino ino) const;  // the top's is the top
  std::optional<std::string> PathOf(Ino ino) const;

  // At most `limit` entries of the directory, from `offset` on, in the kernel's order and without
  // "." and "..". Entries of one offset are never parted: a few more than `limit` may come. Nothing
  // where there is no such directory.
  std::optional<std::vector<DirectoryEntry>> List(Ino directory, uint64_t offset, size_t limit);

  // What `access` says is set for that node, until it goes; the rest stays. False where there is no
  // such node.
  bool SetAccess(Ino ino, const Access& access);

  ChangeBoard& changes() { return changes_; }

  // Told of each data file that goes, under the Engine's configuration lock, and of each whose
  // bytes have changed by themselves: whoever keeps its pages drops them.
  void set_data_removed(std::function<void(Ino)> observer);

  uint64_t node_count();  // with what has no nodes yet
  uint64_t data_bytes();  // capacity of all data files

 private:
  struct Directory;
  struct Node;
  struct Entry;
  struct ByHash;
  struct Addition;
  struct Waiting;
  // By path: those that one round of additions has come across.
  using Directories = absl::flat_hash_map<std::string, Node*>;

  Node* Get(Ino ino) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Node* Walk(absl::string_view path) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  static Node* Child(const Node& directory, absl::string_view name);
  NodeView ViewOf(const Node& node) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  std::string PathLocked(const Node& node) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  Node* Put(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A fresh leaf at the path, in place of what was there; null where a directory is in the way.
  Node* PutLeaf(absl::string_view path, NodeKind kind, uint16_t mode, Directories& made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Node* PutLeafIn(Node& directory, absl::string_view name, NodeKind kind, uint16_t mode)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Node* MakeDirectory(absl::string_view path, Directories& made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Node* MakeDirectoryBelow(Node& top, absl::string_view path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(Addition addition);
  void MakeFixed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeNodesLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeDevice(absl::string_view path, std::shared_ptr<core::Device> device,
                  std::vector<uint16_t> modes, Directories& made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeLink(absl::string_view path, std::string target, Directories& made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeData(absl::string_view path, std::shared_ptr<core::DataNode> data, Directories& made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The directory, where what the device has in it has no nodes yet, else null; and the same where
  // links have none either.
  static Node* IfUnfilled(Node* directory);
  static Node* IfLacking(Node* directory);
  void PutWaiting(Node& directory) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fill(Node& directory) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetUnfilled(Directory& directory) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What `read` returns, which is called with the lock held and says which directory must be
  // filled first, if one must.
  template <typename Read>
  auto Filled(const Read& read);

  // Of the names of a device's attributes, and of the device's own.
  bool Lasts(const core::Device& device) const;
  bool DirectoryLasts(const core::Device& device) const;

  // Removing collects the numbers of what went, to be told about once the lock is released.
  struct Removed {
    std::vector<Ino> attributes;
    std::vector<Ino> data;
  };
  void Erase(Node& node, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Empty(Node& directory, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(Node& node, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Removes the directory and those above it that nobody registered, as far as they are empty.
  void Prune(Node* directory) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveLeaf(absl::string_view path, NodeKind kind);
  void EraseLeaf(absl::string_view path, NodeKind kind, Removed& removed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(const Removed& removed);

  const bool buses_last_;
  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Node> root_ ABSL_GUARDED_BY(mutex_);
  std::vector<Addition> additions_ ABSL_GUARDED_BY(mutex_);  // in the order in which they came
  absl::flat_hash_map<Ino, Node*> by_ino_ ABSL_GUARDED_BY(mutex_);
  Ino next_ino_ ABSL_GUARDED_BY(mutex_) = kRootIno;
  uint64_t data_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t unfilled_ ABSL_GUARDED_BY(mutex_) = 0;  // how many nodes are still to be made
  std::function<void(Ino)> data_removed_ ABSL_GUARDED_BY(mutex_);
  ChangeBoard changes_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_H_
