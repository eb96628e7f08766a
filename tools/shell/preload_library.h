// The library that commands in the shell are started with; it is part of this program.
#ifndef NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_
#define NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

// Writes it to `path`. Refused with the errno, "shell.preload".
absl::Status PutPreloadLibrary(const std::string& path);

// Has the dynamic linker load `path` into every program that this process starts, before what the
// environment names already.
void PreloadInto(const std::string& path);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_
