// SPDX-License-Identifier: Apache-2.0
// preset:NAME: buses that need no file. All of it is memory, and gone with the mount.
#ifndef NVDIMMFS_BACKENDS_SOURCES_PRESET_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_PRESET_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Refused with EINVAL, "source.preset", where there is no preset of that name.
absl::StatusOr<Buses> OpenPreset(const SourceArguments& arguments);

// Whether a kernel has the preset's buses from a module, which can be loaded anew.
bool IsModule(absl::string_view preset);
// Whether some of these buses are that module's, and the module's as new.
bool HasModule(const Buses& buses);
absl::StatusOr<Buses> OpenModule(bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_PRESET_SOURCE_H_
