// The shell's own modprobe, rmmod and modinfo: the modules of persistent memory count as loaded, so that
// scripts which load and unload them (the tests of ndctl do) need not be changed. nfit_test is
// unloaded and loaded where its buses are shown: they come as new. Everything else goes to the real
// programs.
#ifndef NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_
#define NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_

#include "absl/status/status.h"

namespace nvdimmfs::tools {

inline constexpr char kProgramPath[] = "/dev/.nvdimmfs/bin";

// What counts as loaded.
inline constexpr const char* kModules[] = {
#define NVDIMMFS_MODULE(name) name,
#include "tools/shell/modules.inc"
#undef NVDIMMFS_MODULE
};

// Writes them to kProgramPath, and puts that at the head of PATH for what is executed from now on.
// Refused with what writing it says, "shell.program".
absl::Status PutModulePrograms();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_
