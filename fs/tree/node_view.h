// SPDX-License-Identifier: Apache-2.0
// A node of the tree as it was at one moment: plain values and shared objects that stay valid after
// the node is gone.
#ifndef NVDIMMFS_FS_TREE_NODE_VIEW_H_
#define NVDIMMFS_FS_TREE_NODE_VIEW_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/model/attribute.h"
#include "core/model/data_node.h"
#include "core/model/device.h"

namespace nvdimmfs::fs {

// Inode numbers: unique, never reused while the tree exists. 1 is the root.
using Ino = uint64_t;
constexpr Ino kRootIno = 1;

enum class NodeKind : uint8_t { kDirectory, kAttribute, kLink, kData };

// Mode and owner of a node, as far as chmod(2) and chown(2) have set them.
struct Access {
  std::optional<mode_t> mode;  // permission bits
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

struct NodeView {
  Ino ino = 0;
  NodeKind kind = NodeKind::kDirectory;
  uint16_t mode = 0;            // permission bits
  uint32_t subdirectories = 0;  // of a directory
  // Whether the name refers to this node, with as many sub-directories, for as long as the tree
  // exists.
  bool lasts = false;
  std::string target;  // text of a link
  // An attribute's device; a directory's, if it is a device's own directory.
  std::shared_ptr<core::Device> device;
  const core::Attribute* attribute = nullptr;  // lives as long as `device`
  std::shared_ptr<core::DataNode> data;
  Access access;
};

// One line of a directory.
struct DirectoryEntry {
  std::string name;
  Ino ino = 0;
  NodeKind kind = NodeKind::kDirectory;
  uint64_t offset = 0;       // of this entry
  uint64_t next_offset = 0;  // where reading continues after it
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TREE_NODE_VIEW_H_
