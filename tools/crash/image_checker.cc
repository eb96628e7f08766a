// SPDX-License-Identifier: Apache-2.0
#include "tools/crash/image_checker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "absl/strings/str_replace.h"
#include "backends/posix/child.h"
#include "backends/sources/source.h"
#include "btt/btt_layer.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/system/system.h"
#include "tools/commands.h"
#include "tools/crash/crash_mount.h"
#include "tools/crash/text_file.h"
#include "tools/hardening/confinement.h"

namespace nvdimmfs::tools {
namespace {

constexpr int kNotRun = 125;
constexpr size_t kOutput = 2000;  // bytes of a checker's output that are kept

// Runs `run` in a separate process whose output goes to the file `log`. Returns its exit code, or
// 128 plus the number of the signal that killed it.
int InChild(const std::string& log, const std::function<int()>& run) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return kNotRun;
  if (pid == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (file < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(file, STDOUT_FILENO) < 0 ||
        dup2(file, STDERR_FILENO) < 0)
      _exit(kNotRun);
    const int code = run();
    std::fflush(nullptr);
    _exit(code);
  }
  return posix::AwaitChild(pid).exit_code();
}

absl::Status Recover(const std::string& text) {
  const backends::Source source(text);
  ASSIGN_OR_RETURN(const backends::Buses buses, source.Open());
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr, nullptr, buses.front().kernel);
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  return absl::OkStatus();
}

int RecoverAndCheck(const std::string& source) {
  hardening::ConfineForm({.store = true, .device = false});
  if (const absl::Status recovered = Recover(source); !recovered.ok()) {
    Complain(recovered);
    return kNotRun;
  }
  return CheckCommand({source});
}

Verdict RunChecker(const std::string& source, const CheckerOptions& options) {
  auto mount = CrashMount::Start(source, "", options.mountpoint, options.log);
  if (!mount.ok()) return {kNotRun, Describe(mount.status())};
  const auto file = mount->FileOf(options.name);
  if (!file.ok()) return {kNotRun, Describe(file.status())};
  setenv("NVDIMMFS_FILE", file->c_str(), 1);
  const std::string command =
      absl::StrReplaceAll(options.command, {{"{}", core::ShellWord(*file)}});
  const std::string log = options.log + ".checker";
  const int code = InChild(log, [&] {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    return kNotRun;
  });
  const std::string output = TailOf(log, kOutput);
  if (mount->End() != 0 && code == 0) return {kNotRun, "the mount ended with an error"};
  return {code, output};
}

}  // namespace

Verdict CheckImage(const std::string& source, const CheckerOptions& options) {
  if (!options.command.empty()) return RunChecker(source, options);
  const int code = InChild(options.log, [&] { return RecoverAndCheck(source); });
  return {code, TailOf(options.log, kOutput)};
}

}  // namespace nvdimmfs::tools
