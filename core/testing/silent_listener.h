// SPDX-License-Identifier: Apache-2.0
// A listener that ignores everything: a base class for tests, which override what they check.
#ifndef NVDIMMFS_CORE_TESTING_SILENT_LISTENER_H_
#define NVDIMMFS_CORE_TESTING_SILENT_LISTENER_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "core/model/tree_listener.h"

namespace nvdimmfs::core {

class SilentListener : public TreeListener {
 public:
  void DeviceAdded(const std::shared_ptr<Device>&) override {}
  void DeviceRemoved(const Device&) override {}
  void LinkAdded(absl::string_view, absl::string_view) override {}
  void LinkRemoved(absl::string_view) override {}
  void DataAdded(absl::string_view, const std::shared_ptr<DataNode>&) override {}
  void DataRemoved(absl::string_view) override {}
  void DataChanged(absl::string_view) override {}
  void AttributeChanged(const Device&, absl::string_view) override {}
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_TESTING_SILENT_LISTENER_H_
