// SPDX-License-Identifier: Apache-2.0
// Installs the preloaded library (preload.c) for all programs of a shell.
#ifndef NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_
#define NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_

#include "absl/status/status.h"

namespace nvdimmfs::tools {

// As its only argument, it makes this program end at once with 0. The shell runs that to learn
// whether programs start.
inline constexpr char kOnlyStart[] = "--only-start";

// Writes the library below the shell's home. From then on, every dynamically linked program loads
// it, in any environment: su -, sudo, env -i. Call it in the shell's mount namespace, once the home
// exists.
//
// The loader reads a list of libraries, /etc/ld.so.preload. Few machines have that file, and the
// shell must not write to /etc. So the shell's programs start with a copy of the loader that reads
// another list, of the host's libraries and this one. If the loader cannot be covered, LD_PRELOAD
// names the library; a cleared environment loses it.
//
// Refused with write's errno, "shell.preload".
absl::Status PutPreloadLibrary();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_
