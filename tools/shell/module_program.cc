#include "tools/shell/module_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"

namespace nvdimmfs::tools {
namespace {

// Options are passed over; the first word that is none is the module. The real program gets PATH
// without this one in it.
constexpr char kScript[] = R"(#!/bin/sh
for word; do
  case $word in
    -*) ;;
    MODULES) exit 0 ;;
    *) break ;;
  esac
done
PATH=${PATH#PLACE:}:/usr/sbin:/sbin exec modprobe "$@"
)";

std::string Script() {
  std::string script = kScript;
  script.replace(script.find("MODULES"), strlen("MODULES"), absl::StrJoin(kModules, "|"));
  script.replace(script.find("PLACE"), strlen("PLACE"), kProgramPath);
  return script;
}

}  // namespace

absl::Status PutModuleProgram() {
  const std::string path = absl::StrCat(kProgramPath, "/modprobe"), script = Script();
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  const bool whole =
      file >= 0 && write(file, script.data(), script.size()) == static_cast<ssize_t>(script.size());
  const int error = errno;
  if (file >= 0) close(file);
  if (!whole)
    return core::Refusal(error, "shell.program",
                         absl::StrCat("shell: write ", path, ": ", strerror(error)));
  const char* before = getenv("PATH");
  setenv("PATH",
         absl::StrCat(kProgramPath, ":", before != nullptr ? before : "/usr/bin:/bin").c_str(), 1);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::tools
