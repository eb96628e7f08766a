// The preloaded library (preload.c) as a file, and what makes the dynamic loader load it.
#ifndef NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_
#define NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_

#include "absl/status/status.h"

namespace nvdimmfs::tools {

// Writes the library below the shell's home, and has it loaded into every dynamically linked
// program from now on, in any environment: su -, sudo, env -i. To be called in the shell's mount
// namespace, with the home in place.
//
// The loader reads a list of libraries, /etc/ld.so.preload. Few machines have that file, and /etc
// is not ours to put one into; so the shell's programs start with a copy of the loader that reads
// another list, which has the host's libraries and this one. Where the loader cannot be covered it
// is LD_PRELOAD, which an emptied environment loses.
//
// Refused with what writing says, "shell.preload".
absl::Status PutPreloadLibrary();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_PRELOAD_LIBRARY_H_
