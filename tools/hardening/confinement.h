// SPDX-License-Identifier: Apache-2.0
// What a process gives up before it looks at what others wrote, or once it serves a mount.
//
// The table of profiles is in confinement.cc. Each of these functions is called once, applies to
// all threads, for good, and does what the kernel can do. Nothing is given up in a build with a
// sanitizer, which would not work then.
//
// Thread rules: one thread calls them.
#ifndef NVDIMMFS_TOOLS_HARDENING_CONFINEMENT_H_
#define NVDIMMFS_TOOLS_HARDENING_CONFINEMENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::hardening {

// Refused with EOPNOTSUPP, "harden.kernel", if the kernel cannot do all of it; the sentence says
// what it lacks.
absl::Status CheckKernel();

// False in a build with a sanitizer, or with NVDIMMFS_HARDEN=off in the environment.
bool CanConfine();

struct MountNeeds {
  bool uring = false;                // FUSE over io_uring
  bool device = false;               // the source drives a device of the machine
  std::vector<std::string> folders;  // in which files are made and replaced later
};

// The daemon of a mount, which works and whose sources are open. Returns what it can no longer do,
// for the log. Error: the errno of what failed, "harden.failed"; then only a part is given up.
absl::StatusOr<std::string> ConfineMount(const MountNeeds& needs);

// root's mount keeper (fs/mount/mount_keeper.h), which has one thread.
void ConfineKeeper();

struct FormNeeds {
  bool store = false;   // it writes to its sources, or makes files
  bool device = false;  // a source drives a device
};

// A form without a mount, before it opens its sources: it can start no program, connect to nothing
// and, unless it stores, change no file. As root it keeps the rights to read files of others, and
// to see which processes have them open. Only with NVDIMMFS_HARDEN=on in the environment.
void ConfineForm(const FormNeeds& needs);

// Such a form that has opened all its sources: it gives up these rights, too, and opens no file but
// those that it has open and, if that is not empty, `output` and files beside it.
void ConfineOpenedForm(const FormNeeds& needs, const std::string& output = "");

}  // namespace nvdimmfs::hardening

#endif  // NVDIMMFS_TOOLS_HARDENING_CONFINEMENT_H_
