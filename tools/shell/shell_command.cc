// nvdimmfs shell [-o OPT,...] SOURCE|MOUNTPOINT [-- COMMAND ARGUMENT...]
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/shell/child.h"
#include "tools/shell/merged_folders.h"
#include "tools/shell/preload_library.h"
#include "tools/shell/stage.h"

namespace nvdimmfs::tools {
namespace {

// What the shell cannot do at all is told apart from what its command returns, as env(1) does it.
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

Arguments MountArguments(const std::string& source, const std::vector<std::string>& options) {
  Arguments arguments = {"-f"};
  std::vector<std::string> all = options;
  all.push_back("allow_other");
  arguments.insert(arguments.end(), {"-o", absl::StrJoin(all, ",")});
  arguments.insert(arguments.end(), {source, kTreePath});
  return arguments;
}

struct Running {
  std::optional<Helper> daemon;  // none where somebody else serves the tree
  std::optional<Helper> folders;
};

absl::Status StartDaemon(const Arguments& arguments, Running& running) {
  ASSIGN_OR_RETURN(Helper daemon,
                   Helper::Start("the mount", SIGTERM, [&] { return MountCommand(arguments); }));
  running.daemon.emplace(std::move(daemon));
  return running.daemon->AwaitMount(kTreePath);
}

absl::Status StartFolders(Running& running) {
  ASSIGN_OR_RETURN(Helper folders, Helper::Start("the view of /dev", SIGKILL, [] {
                     return ServeMergedFolders(kMergedPath, kHostPath, kTreePath);
                   }));
  running.folders.emplace(std::move(folders));
  return running.folders->AwaitMount(kMergedPath);
}

absl::Status SetUp(const std::string& source, const std::vector<std::string>& options,
                   Running& running) {
  // A directory of that name is a mount that exists already.
  const std::string mountpoint = IsDirectory(source) ? Absolute(source) : "";
  Stage stage;
  RETURN_IF_ERROR(stage.Enter(mountpoint));
  if (mountpoint.empty()) RETURN_IF_ERROR(StartDaemon(MountArguments(source, options), running));
  RETURN_IF_ERROR(StartFolders(running));
  RETURN_IF_ERROR(PutPreloadLibrary(absl::StrCat(kHomePath, "/preload.so")));
  return stage.Show();
}

}  // namespace

int ShellCommand(const Arguments& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> command;
  if (dashes != arguments.end()) command.assign(dashes + 1, arguments.end());
  CLI::App app(
      "Runs a command (else a shell) that sees the persistent memory of SOURCE as a kernel would\n"
      "show it in /sys and /dev: ndctl and daxctl work on it. Exits with the command's code; 125\n"
      "where it could not be run.",
      "nvdimmfs shell");
  app.footer("Form: nvdimmfs shell [-o OPT,...] SOURCE|MOUNTPOINT [-- COMMAND ARGUMENT...]");
  std::string source;
  std::vector<std::string> options;
  app.add_option("-o", options, "mount options, separated by commas")->allow_extra_args(false);
  app.add_option("SOURCE", source, "an image file, with options after a comma; or a mount point")
      ->required();
  if (const auto code = Parse(app, Arguments(arguments.begin(), dashes))) return *code;
  if (command.empty()) command = InteractiveShell();

  Running running;
  if (const absl::Status status = SetUp(source, options, running); !status.ok()) {
    Complain(status);
    return kShellFailed;
  }
  setenv("NVDIMMFS_TREE", kTreePath, 1);
  PreloadInto(absl::StrCat(kHomePath, "/preload.so"));
  const int code = RunCommand(command);
  // The daemon's end comes first: what is written is durable once this returns.
  if (running.daemon && running.daemon->End() != 0)
    std::fprintf(stderr, "nvdimmfs: shell: the mount did not end well\n");
  return code;
}

}  // namespace nvdimmfs::tools
