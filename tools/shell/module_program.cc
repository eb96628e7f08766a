// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/module_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "backends/posix/file.h"
#include "core/base/status.h"
#include "tools/shell/module_places.h"
#include "tools/shell/module_script.h"
#include "tools/shell/mount_copy.h"

namespace nvdimmfs::tools {
namespace {

constexpr const char* kPrograms[] = {"modprobe", "rmmod", "insmod", "modinfo"};

// Where an enclosing shell keeps the host's programs.
constexpr char kOuterRealPath[] = "/dev/.nvdimmfs/host/.nvdimmfs/real";

std::string Script() {
  return absl::StrReplaceAll(kModuleScript, {{"MODULES", absl::StrJoin(ModulesOfTree(), "|")},
                                             {"BUS", NVDIMMFS_BUS_MODULE},
                                             {"LOADED", NVDIMMFS_LOADED},
                                             {"TREE", NVDIMMFS_TREE_MODULES NVDIMMFS_BUS_MODULE},
                                             {"DIRECTORY", NVDIMMFS_MODULES NVDIMMFS_BUS_MODULE},
                                             {"FOLDER", NVDIMMFS_MODULE_FOLDER},
                                             {"REAL", kRealProgramPath}});
}

absl::Status PutFile(const std::string& path, const std::string& text) {
  const int error = posix::WriteFile(path, text, 0755);
  if (error == 0) return absl::OkStatus();
  return core::Refusal(error, "shell.program",
                       absl::StrCat("shell: write ", path, ": ", strerror(error)));
}

// Directories in which programs are looked up.
std::vector<std::string> Folders() {
  std::vector<std::string> folders = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                      "/usr/bin",        "/sbin",          "/bin"};
  const char* const path = getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(path != nullptr ? path : "", ':', absl::SkipEmpty()))
    if (absl::StartsWith(folder, "/") && !absl::StartsWith(folder, "/dev/.nvdimmfs/"))
      folders.emplace_back(folder);
  // One folder may have several names.
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<std::string> different;
  for (const std::string& folder : folders) {
    struct stat stat = {};
    if (::stat(folder.c_str(), &stat) == 0 && seen.emplace(stat.st_dev, stat.st_ino).second)
      different.push_back(folder);
  }
  return different;
}

// Makes the host's program at `place` available to ours.
absl::Status KeepReal(const std::string& place, const std::string& name) {
  const std::string kept = absl::StrCat(kRealProgramPath, "/", name);
  std::error_code error;
  const std::string outer = absl::StrCat(kOuterRealPath, "/", name);
  const std::string file = std::filesystem::exists(outer, error)
                               ? outer
                               : std::filesystem::canonical(place, error).string();
  if (file.empty() || access(kept.c_str(), F_OK) == 0) return absl::OkStatus();
  // Not a bind mount: lsblk would list it as a mount point of the host's root file system.
  if (std::filesystem::copy_file(file, kept, error)) return absl::OkStatus();
  return core::Refusal(error.value(), "shell.program",
                       absl::StrCat("shell: copy ", file, ": ", error.message()));
}

// Whether the host has the program at all.
absl::StatusOr<bool> Cover(const std::string& name) {
  bool found = false;
  for (const std::string& folder : Folders()) {
    const std::string place = absl::StrCat(folder, "/", name);
    struct stat stat = {};
    if (lstat(place.c_str(), &stat) != 0 || S_ISDIR(stat.st_mode)) continue;
    RETURN_IF_ERROR(KeepReal(place, name));
    ASSIGN_OR_RETURN(const MountCopy ours, MountCopy::Of(absl::StrCat(kProgramPath, "/", name)));
    // The link itself is covered: its target may have other names.
    RETURN_IF_ERROR(ours.Put(place));
    found = true;
  }
  return found;
}

}  // namespace

std::vector<std::string> ModulesOfTree() {
  std::vector<std::string> modules;
  for (const std::string name : kModules)
    if (name == NVDIMMFS_BUS_MODULE ||
        access(absl::StrCat(NVDIMMFS_TREE_MODULES, name).c_str(), F_OK) == 0)
      modules.push_back(name);
  return modules;
}

absl::Status PutModulePrograms() {
  bool all_found = true;
  for (const char* program : kPrograms) {
    RETURN_IF_ERROR(PutFile(absl::StrCat(kProgramPath, "/", program), Script()));
    ASSIGN_OR_RETURN(const bool found, Cover(program));
    all_found = all_found && found;
  }
  if (all_found) return absl::OkStatus();
  const char* const before = getenv("PATH");
  setenv("PATH",
         absl::StrCat(kProgramPath, ":", before != nullptr ? before : "/usr/bin:/bin").c_str(), 1);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::tools
