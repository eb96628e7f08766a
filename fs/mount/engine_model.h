// SPDX-License-Identifier: Apache-2.0
// The Model of a mount: a core::Engine, which must outlive this.
#ifndef NVDIMMFS_FS_MOUNT_ENGINE_MODEL_H_
#define NVDIMMFS_FS_MOUNT_ENGINE_MODEL_H_

#include <string>

#include "core/model/engine.h"
#include "fs/files/model.h"

namespace nvdimmfs::fs {

class EngineModel final : public Model {
 public:
  explicit EngineModel(core::Engine& engine) : engine_(engine) {}

  absl::StatusOr<std::string> Show(core::Device& device,
                                   const core::Attribute& attribute) override {
    return engine_.Show(device, attribute);
  }
  absl::Status Store(core::Device& device, const core::Attribute& attribute,
                     absl::string_view written) override {
    return engine_.Store(device, attribute, written);
  }
  absl::Status CreateAttribute(core::Device& device, absl::string_view name) override {
    return engine_.CreateAttribute(device, name);
  }

  absl::StatusOr<int> RunCommand(core::Device& device, const core::Attribute& attribute,
                                 const core::Command& command) override {
    return engine_.RunCommand(device, attribute, command);
  }

 private:
  core::Engine& engine_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_ENGINE_MODEL_H_
