// SPDX-License-Identifier: Apache-2.0
// nvdimmfs shell [-v] [-o OPT,...] [--block] SOURCE|MOUNTPOINT [-- COMMAND ARGUMENT...]
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/sources/source.h"
#include "core/base/status.h"
#include "fs/loops/io_flusher.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/shell/block_nodes.h"
#include "tools/shell/child.h"
#include "tools/shell/control_nodes.h"
#include "tools/shell/host_unmounts.h"
#include "tools/shell/merged_folders.h"
#include "tools/shell/module_program.h"
#include "tools/shell/node_numbers.h"
#include "tools/shell/node_requests.h"
#include "tools/shell/preload_library.h"
#include "tools/shell/stage.h"

namespace nvdimmfs::tools {
namespace {

// The exit code if the shell itself fails; it differs from the command's, as with env(1).
constexpr int kShellFailed = 125;

bool IsDirectory(const std::string& path) {
  struct stat stat = {};
  return ::stat(path.c_str(), &stat) == 0 && S_ISDIR(stat.st_mode);
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

std::vector<std::string> InteractiveShell() {
  const char* shell = getenv("SHELL");
  return {shell != nullptr && *shell != '\0' ? shell : "/bin/sh"};
}

// With `block`, data files are not passed through unless the user requests it: a loop device keeps
// its file open for as long as the namespace exists, so the namespace could not be disabled.
Arguments MountArguments(const std::string& source, const std::vector<std::string>& options,
                         bool block) {
  Arguments arguments = {"-f"};
  // The terminal belongs to the command.
  std::vector<std::string> all = {"log=syslog"};
  if (block) all.emplace_back("passthrough=off");
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), {"allow_other", "commands"});
  arguments.insert(arguments.end(), {"-o", absl::StrJoin(all, ",")});
  arguments.insert(arguments.end(), {source, kTreePath});
  return arguments;
}

// In the order in which they start; they end in reverse order.
struct Running {
  std::optional<Helper> unmounts;    // none if the kernel does not allow it
  std::optional<Lifeline> lifeline;  // none without --block
  std::optional<Helper> daemon;      // none if another process serves the tree
  std::optional<Helper> blocks;      // none without --block
  std::optional<Helper> controls;    // none without CUSE
  std::optional<Helper> folders;
  NodeMakers makers;
  BlockRecord* block_record = nullptr;
  bool told = false;  // whether the reason for a missing mount was reported
};

// For a daemon that block devices depend on. Its allocations must not wait for those devices, and
// its memory is locked: swap space may be on them. If the shell is killed, file systems on the
// devices are written back and unmounted before the daemon ends.
void StandBelowBlockDevices(Lifeline& lifeline) {
  lifeline.EndAsLast();
  fs::BecomeIoFlusher();
  const rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
  // With a limit, mapping a large image would fail later.
  if (setrlimit(RLIMIT_MEMLOCK, &none) == 0) mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

void LeaveWorkingDirectory() {
  if (chdir("/") != 0) std::fprintf(stderr, "nvdimmfs: shell: chdir /: %s\n", strerror(errno));
}

absl::Status StartDaemon(const Arguments& arguments, Running& running) {
  ASSIGN_OR_RETURN(Helper daemon, Helper::Start("the mount", SIGTERM, [&] {
                     if (running.lifeline) StandBelowBlockDevices(*running.lifeline);
                     // Keeps only descriptors that the arguments name.
                     return MountCommand(arguments, LeaveWorkingDirectory);
                   }));
  running.daemon.emplace(std::move(daemon));
  const absl::Status mounted = running.daemon->AwaitMount(kTreePath);
  const std::optional<int> returned = running.daemon->returned();
  running.told = returned == kRefused || returned == kUsage;
  return mounted;
}

// A helper that answers AskForNode with `serve`, and the socket to ask it.
absl::StatusOr<std::pair<Helper, int>> StartMaker(std::string name,
                                                  const std::function<int(int socket)>& serve) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    return core::Refusal(errno, "shell.nodes", absl::StrCat("shell: create a socket for ", name));
  absl::StatusOr<Helper> helper = Helper::Start(std::move(name), SIGTERM, [&] {
    close(sockets[0]);
    return serve(sockets[1]);
  });
  close(sockets[1]);
  if (helper.ok()) return std::pair(*std::move(helper), sockets[0]);
  close(sockets[0]);
  return helper.status();
}

absl::Status StartBlocks(Running& running) {
  ASSIGN_OR_RETURN(running.block_record, BlockRecord::Make(kHostPath, kTreePath));
  running.makers.loops = running.block_record->loops;
  RETURN_IF_ERROR(ChooseNodeNumbers(kTreePath, running.makers.loops.numbers()));
  ASSIGN_OR_RETURN(auto maker, StartMaker("the block devices", [&](int socket) {
                     LeaveWorkingDirectory();
                     return ServeBlockNodes(socket, kTreePath, *running.block_record);
                   }));
  running.blocks.emplace(std::move(maker.first));
  running.makers.block = maker.second;
  return absl::OkStatus();
}

// Without control nodes the preloaded library handles all ioctls. Refused with the reason.
absl::Status StartControls(Running& running) {
  RETURN_IF_ERROR(CheckControlNodes(kHostPath));
  ASSIGN_OR_RETURN(auto maker, StartMaker("the control nodes", [](int socket) {
                     LeaveWorkingDirectory();
                     return ServeControlNodes(socket, kHostPath, kTreePath);
                   }));
  if (!AskForNode(maker.second, kControlReady)) {
    close(maker.second);
    return core::Refusal(EBUSY, "shell.cuse", "the kernel did not create the character devices");
  }
  running.controls.emplace(std::move(maker.first));
  running.makers.control = maker.second;
  return absl::OkStatus();
}

absl::Status StartUnmounts(HostUnmounts& host, Running& running) {
  ASSIGN_OR_RETURN(Helper unmounts, Helper::Start("the view of mounts", SIGKILL, [&] {
                     LeaveWorkingDirectory();
                     return host.Follow(kTreePath);
                   }));
  running.unmounts.emplace(std::move(unmounts));
  return absl::OkStatus();
}

// A mount that this user may not change keeps its numbers.
void ChooseOwnNumbers(bool verbose) {
  const absl::Status chosen = ChooseNodeNumbers(kTreePath, std::nullopt);
  if (!chosen.ok() && verbose) Complain(chosen);
}

absl::Status StartFolders(Running& running) {
  ASSIGN_OR_RETURN(Helper folders, Helper::Start("the view of /dev", SIGKILL, [&] {
                     LeaveWorkingDirectory();
                     // Its lock belongs to the shell and to the server.
                     if (running.block_record != nullptr) close(running.block_record->control);
                     return ServeMergedFolders(kMergedPath, kHostPath, kTreePath, running.makers);
                   }));
  running.folders.emplace(std::move(folders));
  return running.folders->AwaitMount(kMergedPath);
}

enum class Blocks { kNo, kIfPossible, kYes };

// Tests written for the kernel's module need block devices.
Blocks DefaultFor(const std::string& source) {
  return backends::Source(source).is_module() ? Blocks::kIfPossible : Blocks::kNo;
}

void TellControls(const absl::Status& made) {
  std::fprintf(
      stderr, "nvdimmfs: shell: /dev/nmemN and /dev/ndctlN: %s\n",
      made.ok() ? "character devices (CUSE)"
                : absl::StrCat("a preloaded library takes their ioctls, not CUSE: ", made.message())
                      .c_str());
}

struct Wishes {
  std::vector<std::string> options;
  Blocks blocks = Blocks::kNo;
  bool verbose = false;
};

absl::Status SetUp(const std::string& source, const Wishes& wishes, Running& running) {
  // A directory of that name is a mount that exists already.
  const std::string mountpoint = IsDirectory(source) ? Absolute(source) : "";
  HostUnmounts host;
  Stage stage;
  RETURN_IF_ERROR(stage.Enter(mountpoint));
  // In a user namespace the host's mounts are locked.
  if (!stage.in_user_namespace()) RETURN_IF_ERROR(StartUnmounts(host, running));
  const absl::Status can_block = CheckBlockNodes(kHostPath);
  if (wishes.blocks == Blocks::kYes) RETURN_IF_ERROR(can_block);
  const bool block = wishes.blocks != Blocks::kNo && can_block.ok();
  if (block) {
    ASSIGN_OR_RETURN(Lifeline lifeline, Lifeline::Make());
    running.lifeline.emplace(std::move(lifeline));
  }
  if (mountpoint.empty())
    RETURN_IF_ERROR(StartDaemon(MountArguments(source, wishes.options, block), running));
  const absl::Status blocks = block ? StartBlocks(running) : absl::OkStatus();
  if (!blocks.ok() && wishes.blocks == Blocks::kYes) return blocks;
  if (!running.blocks) ChooseOwnNumbers(wishes.verbose);
  const absl::Status controls = StartControls(running);
  if (wishes.verbose) TellControls(controls);
  RETURN_IF_ERROR(StartFolders(running));
  RETURN_IF_ERROR(PutModulePrograms());
  RETURN_IF_ERROR(stage.Show(running.blocks.has_value()));
  return PutPreloadLibrary();
}

// Removes the block devices and their mounts while the tree is still served.
void ReleaseBlocks(Running& running) {
  if (!running.blocks) return;
  running.blocks->End();
  ReleaseBlockDevices(kTreePath, *running.block_record);
}

}  // namespace

int ShellCommand(const Arguments& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> command;
  if (dashes != arguments.end()) command.assign(dashes + 1, arguments.end());
  CommandLine line(
      "Runs a command (default: a shell) for which /sys and /dev show the persistent memory of\n"
      "SOURCE as a kernel would: ndctl and daxctl work on it. Exits with the command's exit code,\n"
      "or with 125 if the command could not be run.",
      "nvdimmfs shell");
  line.set_footer(
      "Form: nvdimmfs shell [-v] [-o OPT,...] [--block] SOURCE|MOUNTPOINT [[--] COMMAND "
      "ARGUMENT...]");
  std::string source;
  Wishes wishes;
  line.Add("-o", wishes.options, "mount options, separated by commas", {.one_value_each = true});
  std::optional<bool> block;
  line.AddFlag("--block,!--no-block", block,
               "make /dev/pmemN block devices (loop devices over the data files); needs root. "
               "The default for "
               "preset:nfit_test where possible; --no-block disables it");
  line.AddFlag("-v,--verbose", wishes.verbose, "print how /dev/nmemN and /dev/ndctlN take ioctls");
  line.Add("SOURCE", source, "an image file, with options after a comma; or a mount point",
           {.required = true});
  // Everything after SOURCE is the command, with or without --.
  line.LeaveRest();
  if (const auto code = line.Parse(Arguments(arguments.begin(), dashes))) return *code;
  if (const Arguments words = line.rest(); !words.empty()) {
    if (words[0][0] == '-') return BadUsage("nvdimmfs shell", line.UnknownOption(words[0]));
    command.assign(words.begin(), words.end());
    command.insert(command.end(), dashes, arguments.end());
  }
  if (command.empty()) command = InteractiveShell();

  wishes.blocks = !block ? DefaultFor(source) : *block ? Blocks::kYes : Blocks::kNo;
  Running running;
  if (const absl::Status status = SetUp(source, wishes, running); !status.ok()) {
    if (!running.told) Complain(status);
    return kShellFailed;
  }
  setenv("NVDIMMFS_TREE", kTreePath, 1);
  // Otherwise systemd's device library requires that all of /sys is sysfs.
  setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 0);
  const int code = RunCommand(command, LeaveWorkingDirectory);
  ReleaseBlocks(running);
  // Ends the daemon first: data is durable once this returns.
  if (running.daemon && running.daemon->End(/*patient=*/true) != 0) {
    std::fprintf(stderr, "nvdimmfs: shell: the mount ended with an error; see its messages\n");
    return code == 0 ? kShellFailed : code;
  }
  return code;
}

}  // namespace nvdimmfs::tools
