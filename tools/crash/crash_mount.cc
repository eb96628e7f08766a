// SPDX-License-Identifier: Apache-2.0
#include "tools/crash/crash_mount.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "tools/commands.h"
#include "tools/crash/text_file.h"

namespace nvdimmfs::tools {
namespace {

constexpr size_t kLogTail = 1000;  // bytes that a refusal repeats

void LeaveWorkingDirectory() {
  if (chdir("/") != 0) std::fprintf(stderr, "nvdimmfs: crash: chdir /: %s\n", strerror(errno));
}

}  // namespace

absl::StatusOr<CrashMount> CrashMount::Start(const std::string& source, const std::string& options,
                                             const std::string& mountpoint,
                                             const std::string& log) {
  const Arguments arguments = {"-f", "-o", absl::StrCat("log=stderr,passthrough=off", options),
                               source, mountpoint};
  ASSIGN_OR_RETURN(Helper helper, Helper::Start("the mount", SIGTERM, [&] {
                     const int file =
                         open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                     if (file >= 0) dup2(file, STDERR_FILENO);
                     return MountCommand(arguments, LeaveWorkingDirectory);
                   }));
  if (helper.AwaitMount(mountpoint).ok()) return CrashMount(std::move(helper), mountpoint);
  return core::Refusal(EIO, "crash.mount",
                       absl::StrCat("the image is not mounted: ", TailOf(log, kLogTail)));
}

absl::StatusOr<std::string> CrashMount::FileOf(absl::string_view name) const {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(mountpoint_) / "dev";
  std::error_code error;
  if (!name.empty()) {
    for (const fs::path& path :
         {folder / "by-name" / std::string(name), folder / std::string(name)})
      if (fs::is_regular_file(path, error)) return path.string();
    return core::Refusal(
        ENOENT, "crash.namespace",
        absl::StrCat("--namespace ", name,
                     ": no enabled namespace of that name; it is a file of dev/ or "
                     "dev/by-name, such as pmem0"));
  }
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file(error) && absl::StartsWith(entry.path().filename().string(), "pmem"))
      found.push_back(entry.path().filename().string());
  std::sort(found.begin(), found.end());
  if (found.size() == 1) return (folder / found[0]).string();
  return core::Refusal(EINVAL, "crash.namespace",
                       found.empty()
                           ? "no namespace of the source is enabled, so there is no data file"
                           : absl::StrCat("name one of the data files with --namespace: ",
                                          absl::StrJoin(found, ", ")));
}

absl::StatusOr<FenceState> CrashMount::Fences() const {
  std::ifstream file(absl::StrCat(mountpoint_, "/ndbus0/x/fences"));
  FenceState state;
  std::string name;
  uint64_t number = 0, found = 0;
  while (file >> name >> number) {
    if (name == "fences") state.fences = number;
    if (name == "torn_words") state.torn_words = number;
    if (name == "cut") state.is_cut = number != 0;
    ++found;
  }
  if (found > 0) return state;
  return core::Refusal(EIO, "crash.mount", "the mount does not show ndbus0/x/fences");
}

}  // namespace nvdimmfs::tools
