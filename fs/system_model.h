// The Model that a mount stands on: a core::System, which must outlive this.
#ifndef NVDIMMFS_FS_SYSTEM_MODEL_H_
#define NVDIMMFS_FS_SYSTEM_MODEL_H_

#include <string>

#include "core/devices/system.h"
#include "fs/model.h"

namespace nvdimmfs::fs {

class SystemModel final : public Model {
 public:
  explicit SystemModel(core::System& system) : system_(system) {}

  absl::StatusOr<std::string> Show(core::Device& device,
                                   const core::Attribute& attribute) override {
    return system_.Show(device, attribute);
  }
  absl::Status Store(core::Device& device, const core::Attribute& attribute,
                     absl::string_view written) override {
    return system_.Store(device, attribute, written);
  }
  absl::Status CreateAttribute(core::Device& device, absl::string_view name) override {
    return system_.CreateAttribute(device, name);
  }

  absl::StatusOr<int> RunCommand(core::Device& device, const core::Attribute& attribute,
                                 const core::Command& command) override {
    return system_.RunCommand(device, attribute, command);
  }

 private:
  core::System& system_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_SYSTEM_MODEL_H_
