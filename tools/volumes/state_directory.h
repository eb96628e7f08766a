// SPDX-License-Identifier: Apache-2.0
// The plugin's directory, held for one plugin at a time.
//
//   ROOT/lock       locked while a plugin runs
//   ROOT/journal/   the volumes' records
//   ROOT/sources/   mounts of the sources' device trees
//   ROOT/volumes/   mounts of the volumes, by name
#ifndef NVDIMMFS_TOOLS_VOLUMES_STATE_DIRECTORY_H_
#define NVDIMMFS_TOOLS_VOLUMES_STATE_DIRECTORY_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::volumes {

// Thread rules: a value; const calls from any thread.
class StateDirectory {
 public:
  // Makes missing directories and takes the lock; waits up to 10 s for a killed predecessor, which
  // keeps the lock until its last system call returns. `root` is absolute. Refused with EBUSY,
  // "volumes.root", while another plugin has the lock; with the errno of the failed call otherwise.
  static absl::StatusOr<StateDirectory> Open(std::string root);

  std::string journal() const { return root_ + "/journal"; }
  std::string sources() const { return root_ + "/sources"; }
  std::string volumes() const { return root_ + "/volumes"; }
  // Where the volume is mounted.
  std::string PlaceOf(absl::string_view name) const;
  // The volume that a path below volumes() belongs to.
  std::string NameAt(absl::string_view place) const;

 private:
  StateDirectory(std::string root, posix::Descriptor lock)
      : root_(std::move(root)), lock_(std::move(lock)) {}

  std::string root_;
  posix::Descriptor lock_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_STATE_DIRECTORY_H_
