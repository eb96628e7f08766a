// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/preload_library.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backends/posix/child.h"
#include "backends/posix/file.h"
#include "core/base/status.h"
#include "tools/shell/mount_copy.h"

// Made from the built library by the rule "preload_bytes".
extern const unsigned char kPreloadLibrary[];
extern const unsigned long kPreloadLibrarySize;

namespace nvdimmfs::tools {
namespace {

constexpr char kLibrary[] = "/dev/.nvdimmfs/preload.so";
constexpr char kLoader[] = "/dev/.nvdimmfs/loader";
constexpr char kHostList[] = "/etc/ld.so.preload", kList[] = "/dev/.nvdimmfs/pre";
// The second replaces the first in the loader.
static_assert(sizeof kHostList == sizeof kList);

absl::Status Write(const std::string& path, absl::string_view bytes) {
  const int error = posix::WriteFile(path, bytes, 0755);
  if (error == 0) return absl::OkStatus();
  return core::Refusal(error, "shell.preload",
                       absl::StrCat("shell: write ", path, ": ", strerror(error)));
}

std::string Read(const std::string& path) { return posix::ReadFile(path).value_or(""); }

// The dynamic loader of this program, which is the machine's; "" if there is none.
std::string OwnLoader() {
  std::string path;
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* out) {
        for (int i = 0; i < object->dlpi_phnum; ++i)
          if (object->dlpi_phdr[i].p_type == PT_INTERP)
            *static_cast<std::string*>(out) =
                reinterpret_cast<const char*>(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        return 1;  // the first is the program
      },
      &path);
  std::error_code error;
  return std::filesystem::canonical(path, error).string();
}

// Replaces each `from` in `bytes` by `to`, which has the same length. Returns their count.
int ReplaceAll(std::string& bytes, const std::string& from, const std::string& to) {
  int found = 0;
  for (size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; at += to.size()) {
    bytes.replace(at, from.size(), to);
    ++found;
  }
  return found;
}

// A string as it appears in a program, between others.
std::string Whole(const char* text) {
  const char end[] = {'\0'};
  return absl::StrCat(absl::string_view(end, 1), text, absl::string_view(end, 1));
}

// A security policy may refuse to run an unknown loader.
bool ProgramsStart() {
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {0, 1, 2}) dup2(null, stream);  // for what the loader says
    execl("/proc/self/exe", "nvdimmfs", kOnlyStart, nullptr);
    _exit(127);
  }
  return child > 0 && posix::AwaitChild(child).exit_code() == 0;
}

// Whether programs now start with a loader that reads our list.
bool CoverLoader() {
  const std::string place = OwnLoader();
  std::string loader = place.empty() ? "" : Read(place);
  // With the terminating NULs, to match whole strings only.
  const std::string host = Whole(kHostList), list = Whole(kList);
  // In a nested shell it does already.
  if (loader.find(list) != std::string::npos) return true;
  if (ReplaceAll(loader, host, list) == 0 || !Write(kLoader, loader).ok()) return false;
  const absl::StatusOr<MountCopy> copy = MountCopy::Of(kLoader);
  if (!copy.ok() || !copy->Put(place).ok()) return false;
  if (ProgramsStart()) return true;
  umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  return false;
}

}  // namespace

absl::Status PutPreloadLibrary() {
  RETURN_IF_ERROR(Write(kLibrary, absl::string_view(reinterpret_cast<const char*>(kPreloadLibrary),
                                                    kPreloadLibrarySize)));
  RETURN_IF_ERROR(Write(kList, absl::StrCat(Read(kHostList), "\n", kLibrary, "\n")));
  if (CoverLoader()) return absl::OkStatus();
  const char* const before = getenv("LD_PRELOAD");
  const bool more = before != nullptr && *before != '\0';
  setenv("LD_PRELOAD", more ? absl::StrCat(kLibrary, ":", before).c_str() : kLibrary, 1);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::tools
