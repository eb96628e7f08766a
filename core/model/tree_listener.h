// SPDX-License-Identifier: Apache-2.0
// Notifications from the device model to the code that shows it. The file system maintains its
// nodes from them; `list` does not need a listener. Calls come under the configuration lock, in the
// order of events, except AttributeChanged and DataChanged, which come from any thread without the
// lock.
#ifndef NVDIMMFS_CORE_MODEL_TREE_LISTENER_H_
#define NVDIMMFS_CORE_MODEL_TREE_LISTENER_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "core/model/data_node.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// Paths are relative to the top of the mount, without a leading slash. The listener creates missing
// parent directories.
class TreeListener {
 public:
  virtual ~TreeListener() = default;

  // The device is registered: its directory, sub-directories, visible attributes and its own links
  // exist from now on.
  virtual void DeviceAdded(const std::shared_ptr<Device>& device) = 0;
  // The device is gone, with its links and everything in its directory. Open attribute files return
  // ENODEV.
  virtual void DeviceRemoved(const Device& device) = 0;

  // An additional symbolic link at `path` to the node at `target` (also relative to the top of the
  // mount; it need not exist yet). The listener makes the link's text relative.
  virtual void LinkAdded(absl::string_view path, absl::string_view target) = 0;
  virtual void LinkRemoved(absl::string_view path) = 0;

  virtual void DataAdded(absl::string_view path, const std::shared_ptr<DataNode>& node) = 0;
  virtual void DataRemoved(absl::string_view path) = 0;

  // Bytes of the data file became unreadable, or changed, although nothing wrote to the file:
  // cached copies must be dropped.
  virtual void DataChanged(absl::string_view path) = 0;

  // A pollable attribute has a new value. (The device may already be gone.)
  virtual void AttributeChanged(const Device& device, absl::string_view attribute) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_TREE_LISTENER_H_
