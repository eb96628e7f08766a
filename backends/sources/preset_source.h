// SPDX-License-Identifier: Apache-2.0
// preset:NAME: buses that need no file. They are in memory and are lost with the mount.
#ifndef NVDIMMFS_BACKENDS_SOURCES_PRESET_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_PRESET_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Refused with EINVAL, "source.preset", if there is no preset of that name.
absl::StatusOr<Buses> OpenPreset(const SourceArguments& arguments);

// Whether a kernel module, which can be reloaded, provides the preset's buses.
bool IsModule(absl::string_view preset);
// Whether some of these buses belong to that module; and the module's buses in their initial state.
bool HasModule(const Buses& buses);
absl::StatusOr<Buses> OpenModule(bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_PRESET_SOURCE_H_
