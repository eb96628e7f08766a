// SPDX-License-Identifier: Apache-2.0
// What attribute files need from the device model: core::Engine, or a fake in tests.
//
// Thread rules: any thread, no lock of this folder held; calls may wait for the configuration lock.
#ifndef NVDIMMFS_FS_FILES_MODEL_H_
#define NVDIMMFS_FS_FILES_MODEL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/commands/command.h"
#include "core/model/attribute.h"
#include "core/model/device.h"

namespace nvdimmfs::fs {

class Model {
 public:
  virtual ~Model() = default;

  // As core::Engine's functions of the same names.
  virtual absl::StatusOr<std::string> Show(core::Device& device,
                                           const core::Attribute& attribute) = 0;
  virtual absl::Status Store(core::Device& device, const core::Attribute& attribute,
                             absl::string_view written) = 0;
  virtual absl::Status CreateAttribute(core::Device& device, absl::string_view name) = 0;
  virtual absl::StatusOr<int> RunCommand(core::Device& device, const core::Attribute& attribute,
                                         const core::Command& command) = 0;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_MODEL_H_
