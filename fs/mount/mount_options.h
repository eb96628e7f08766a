// SPDX-License-Identifier: Apache-2.0
// The options of `-o`, in the words of mount(8), fstab(5) and other FUSE file systems.
#ifndef NVDIMMFS_FS_MOUNT_MOUNT_OPTIONS_H_
#define NVDIMMFS_FS_MOUNT_MOUNT_OPTIONS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/option_help.h"
#include "fs/files/passthrough.h"
#include "fs/mount/mount_keeper.h"

namespace nvdimmfs::fs {

// The options of the mount itself. (Those of the source have a table of their own.)
absl::Span<const core::OptionHelp> MountOptionHelp();

// Where messages go once the mount works; until then they always go to standard error.
enum class LogTo {
  kAuto,      // kTerminal in the foreground, else kSystem
  kTerminal,  // standard error
  kSystem,    // syslog, the journal
};

// What the daemon gives up once the mount works.
enum class Harden {
  kAuto,    // all that it does not need and that this kernel can take away
  kOff,     // nothing
  kStrict,  // as kAuto; no mount if the kernel cannot take it away
};

struct MountOptions {
  std::string mountpoint;
  std::string source_name;  // the first column of mount(8)'s list
  bool foreground = false;  // stay with the terminal
  bool debug = false;       // print every request; implies foreground
  bool single_thread = false;
  bool read_only = false;
  bool commands = false;     // command files can be opened although the rest is read-only
  bool no_spin = false;      // no CPU is kept busy between two requests
  bool uring = false;        // FUSE over io_uring if the kernel offers it
  bool allow_other = false;  // users other than the mounting one
  LogTo log = LogTo::kAuto;
  Harden harden = Harden::kOff;
  Passthrough::Policy passthrough = Passthrough::Policy::kSafe;
  std::optional<uid_t> uid;  // of every node; else the mounting user's
  std::optional<gid_t> gid;
  std::optional<mode_t> umask;            // permission bits that no node has at first
  std::vector<std::string> fuse_options;  // nosuid, nodev, allow_root, auto_unmount, ...
  std::shared_ptr<MountKeeper> keeper;    // unmounts; null: the daemon does
};

struct ParsedOptions {
  MountOptions mount;
  // Those that the source's opener knows, in order: {"label_size", "128K"}, {"force", ""}.
  std::vector<std::pair<std::string, std::string>> source;
};

// Parses the argument of -o: options separated by commas, "\," for a comma within one.
// `source_options` names those that belong to the source. Options that only concern mount(8) or
// fstab are accepted. Refused with EINVAL: "option.unknown", naming the known ones, and
// "option.value".
absl::StatusOr<ParsedOptions> ParseOptions(absl::string_view text,
                                           absl::Span<const absl::string_view> source_options);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_MOUNT_OPTIONS_H_
