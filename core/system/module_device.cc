// SPDX-License-Identifier: Apache-2.0
#include "core/system/module_device.h"

#include "absl/strings/str_cat.h"
#include "core/model/common_attributes.h"

namespace nvdimmfs::core {
namespace {

template <char first>
absl::StatusOr<std::string> ShowLetter(Device&) {
  return std::string{first, '\n'};
}

absl::StatusOr<std::string> ShowState(Device&) { return std::string("live\n"); }

constexpr Attribute kModuleAttributes[] = {
    {.name = "coresize", .show = ShowLetter<'0'>, .summary = "bytes of code: 0"},
    {.name = "initsize", .show = ShowLetter<'0'>, .summary = "bytes of initialisation code: 0"},
    {.name = "initstate", .show = ShowState, .summary = "live"},
    {.name = "refcnt", .show = ShowLetter<'0'>, .summary = "modules that use it: 0"},
    // Tests require that the modules they use come from outside the kernel's own tree.
    {.name = "taint", .show = ShowLetter<'O'>, .summary = "O: not from the kernel's own tree"},
    kUeventTriggerAttribute,
};

}  // namespace

const char* const ModuleDevice::kOfBuses =
#define NVDIMMFS_MODULE(name)
#define NVDIMMFS_MODULE_OF_BUSES(name) name
#include "core/system/modules.inc"
#undef NVDIMMFS_MODULE
#undef NVDIMMFS_MODULE_OF_BUSES
    ;

absl::Span<const absl::string_view> ModuleDevice::Always() {
  static constexpr absl::string_view kNames[] = {
#define NVDIMMFS_MODULE(name) name,
#define NVDIMMFS_MODULE_OF_BUSES(name)
#include "core/system/modules.inc"
#undef NVDIMMFS_MODULE
#undef NVDIMMFS_MODULE_OF_BUSES
  };
  return kNames;
}

std::string ModuleDevice::place() const { return absl::StrCat("module/", name()); }

absl::Span<const Attribute> ModuleDevice::Table() { return kModuleAttributes; }

}  // namespace nvdimmfs::core
