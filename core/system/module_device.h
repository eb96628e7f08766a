// SPDX-License-Identifier: Apache-2.0
// module/nd_pmem: the target of drivers' `module` links, with the files of a loaded module that
// tools read.
#ifndef NVDIMMFS_CORE_SYSTEM_MODULE_DEVICE_H_
#define NVDIMMFS_CORE_SYSTEM_MODULE_DEVICE_H_

#include <string>
#include <vector>

#include "core/model/device.h"

namespace nvdimmfs::core {

class ModuleDevice final : public Device {
 public:
  static constexpr DeviceKind kKind{"module", "module/MODULE"};

  // The module that provides buses of its own.
  static const char* const kOfBuses;
  // The other modules, which are always loaded (modules.inc).
  static absl::Span<const absl::string_view> Always();

  ModuleDevice(Engine& engine, absl::string_view name)
      : Device(engine, kKind, std::string(name), nullptr) {}

  std::string place() const override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<std::string> directories() const override { return {"holders"}; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_MODULE_DEVICE_H_
