// SPDX-License-Identifier: Apache-2.0
#include "core/model/device.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/data_node.h"

namespace nvdimmfs::core {

absl::Status Device::CreateAttribute(absl::string_view name) {
  return Refusal(EACCES, "tree.create",
                 absl::StrCat(name_, " has no attribute \"", name, "\", and none can be created"));
}

LastError Device::LatestDataError() const {
  AssertLocked();
  LastError latest;
  if (const DataNode* file = data_file()) latest = file->last_error();
  for (const auto& child : children_) latest = latest.LaterOf(child->LatestDataError());
  return latest;
}

}  // namespace nvdimmfs::core
