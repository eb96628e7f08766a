// SPDX-License-Identifier: Apache-2.0
// What the device model tells the one that shows it: the filesystem keeps its nodes by this, and
// `list` needs none. Calls come under the configuration lock, in the order in which things happen;
// but AttributeChanged and DataChanged come from any thread, without it.
#ifndef NVDIMMFS_CORE_MODEL_TREE_LISTENER_H_
#define NVDIMMFS_CORE_MODEL_TREE_LISTENER_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "core/model/data_node.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// Paths are from the top of the mount, without a leading slash; missing parent directories are
// made.
class TreeListener {
 public:
  virtual ~TreeListener() = default;

  // The device is registered: its directory, sub-directories, visible attributes and links (those
  // that it tells of itself) exist from now on.
  virtual void DeviceAdded(const std::shared_ptr<Device>& device) = 0;
  // It is gone, with everything below its directory and its links. Open attribute files give
  // ENODEV.
  virtual void DeviceRemoved(const Device& device) = 0;

  // A further symbolic link at `path` to the node at `target` (also from the top of the mount;
  // which need not exist yet). The listener makes the text relative.
  virtual void LinkAdded(absl::string_view path, absl::string_view target) = 0;
  virtual void LinkRemoved(absl::string_view path) = 0;

  virtual void DataAdded(absl::string_view path, const std::shared_ptr<DataNode>& node) = 0;
  virtual void DataRemoved(absl::string_view path) = 0;

  // Bytes of the data file cannot be read any more, or read differently, though nothing wrote to
  // it: what is kept of them must go.
  virtual void DataChanged(absl::string_view path) = 0;

  // A pollable attribute has a new value. (The device may be gone by now.)
  virtual void AttributeChanged(const Device& device, absl::string_view attribute) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_TREE_LISTENER_H_
