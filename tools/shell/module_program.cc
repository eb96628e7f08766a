#include "tools/shell/module_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/base/status.h"
#include "tools/shell/module_places.h"

namespace nvdimmfs::tools {
namespace {

// As modprobe, rmmod and modinfo. Options are passed over, but for -r; the other words are modules,
// and where one is not of ours the real program gets them all, and PATH without this one in it. The
// buses of nfit_test go with it, and come as new (LOADED is where the tree takes that), and so does
// its directory.
constexpr char kScript[] = R"(#!/bin/sh
remove= ours= others= buses=
case $0 in *rmmod) remove=1 ;; esac
for word; do
  case $word in
    --remove) remove=1 ;;
    --*) ;;
    -*r*) remove=1 ;;
    -*) ;;
    nfit_test | nfit-test) ours=1; buses=1 ;;
    MODULES) ours=1 ;;
    *=*) ;;
    *) others=1 ;;
  esac
done
if [ -n "$others" ] || [ -z "$ours" ]; then
  PATH=${PATH#PLACE:}:/usr/sbin:/sbin exec "${0##*/}" "$@"
fi
case $0 in *modinfo)
  for word; do
    case $word in -*) ;; *) printf 'filename:       (builtin)\nname:           %s\n' "$word" ;; esac
  done
  exit 0 ;;
esac
[ -n "$buses" ] || exit 0
if [ -n "$remove" ]; then
  if [ ! -e DIRECTORY ]; then
    case $0 in *rmmod) echo "rmmod: ERROR: Module nfit_test is not currently loaded" >&2; exit 1 ;; esac
    exit 0
  fi
  value=0 from=DIRECTORY to=HIDDEN
else
  value=1 from=HIDDEN to=DIRECTORY
fi
if [ -e LOADED ]; then echo $value >LOADED || exit 1; fi
[ ! -e $from ] || mv $from $to
)";

constexpr const char* kPrograms[] = {"modprobe", "rmmod", "modinfo"};

std::string Script() {
  return absl::StrReplaceAll(kScript, {{"MODULES", absl::StrJoin(kModules, "|")},
                                       {"PLACE", kProgramPath},
                                       {"LOADED", NVDIMMFS_LOADED},
                                       {"DIRECTORY", NVDIMMFS_BUS_MODULE_LOADED},
                                       {"HIDDEN", NVDIMMFS_BUS_MODULE_UNLOADED}});
}

absl::Status PutProgram(const std::string& path) {
  const std::string script = Script();
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  const bool whole =
      file >= 0 && write(file, script.data(), script.size()) == static_cast<ssize_t>(script.size());
  const int error = errno;
  if (file >= 0) close(file);
  if (whole) return absl::OkStatus();
  return core::Refusal(error, "shell.program",
                       absl::StrCat("shell: write ", path, ": ", strerror(error)));
}

}  // namespace

absl::Status PutModulePrograms() {
  for (const char* program : kPrograms)
    RETURN_IF_ERROR(PutProgram(absl::StrCat(kProgramPath, "/", program)));
  const char* before = getenv("PATH");
  setenv("PATH",
         absl::StrCat(kProgramPath, ":", before != nullptr ? before : "/usr/bin:/bin").c_str(), 1);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::tools
