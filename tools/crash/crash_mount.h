// SPDX-License-Identifier: Apache-2.0
// A mount of an image in a process of its own, for a command or a checker.
#ifndef NVDIMMFS_TOOLS_CRASH_CRASH_MOUNT_H_
#define NVDIMMFS_TOOLS_CRASH_CRASH_MOUNT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/shell/child.h"

namespace nvdimmfs::tools {

// What x/fences shows.
struct FenceState {
  uint64_t fences = 0;
  uint64_t torn_words = 0;
  bool is_cut = false;
};

// Thread rules: Helper's.
class CrashMount {
 public:
  // Mounts `source` with `options` on the directory `mountpoint`; the daemon's output goes to the
  // file `log`. Refused with EIO, "crash.mount", and the end of the log.
  static absl::StatusOr<CrashMount> Start(const std::string& source, const std::string& options,
                                          const std::string& mountpoint, const std::string& log);

  // The path of the data file `name` (below dev/ or dev/by-name); of the only one if `name` is
  // empty. Refused with ENOENT or EINVAL, "crash.namespace".
  absl::StatusOr<std::string> FileOf(absl::string_view name) const;
  // Refused with EIO, "crash.mount".
  absl::StatusOr<FenceState> Fences() const;

  // Unmounts; the daemon's exit code.
  int End() { return helper_.End(/*patient=*/true); }

 private:
  CrashMount(Helper helper, std::string mountpoint)
      : helper_(std::move(helper)), mountpoint_(std::move(mountpoint)) {}

  Helper helper_;
  std::string mountpoint_;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_CRASH_MOUNT_H_
