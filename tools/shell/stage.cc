// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/stage.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"
#include "tools/shell/block_nodes.h"
#include "tools/shell/control_nodes.h"
#include "tools/shell/merged_folders.h"
#include "tools/shell/module_places.h"
#include "tools/shell/module_program.h"
#include "tools/shell/mount_copy.h"

namespace nvdimmfs::tools {
namespace {

bool Exists(const std::string& path) {
  struct stat stat = {};
  return lstat(path.c_str(), &stat) == 0;
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::vector<std::string> NamesIn(const std::string& directory) {
  return posix::ReadFolder(directory).value_or(std::vector<std::string>());
}

// `error` is 0 or an errno.
absl::Status Written(int error, const std::string& path) {
  errno = error;
  return error == 0 ? absl::OkStatus() : MountFailed("write", path);
}

absl::Status TellKernel(const std::string& path, absl::string_view text) {
  return Written(posix::WriteAttribute(path, text), path);
}

// mount(8) shows `source` in its first column.
absl::Status PutEmpty(const std::string& place, const char* source = "nvdimmfs") {
  if (mount(source, place.c_str(), "tmpfs", MS_NOSUID, "mode=0755") != 0)
    return MountFailed("mount a tmpfs on", place);
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0) return MountFailed("make directory", path);
  return absl::OkStatus();
}

absl::Status Link(const std::string& target, const std::string& path) {
  if (symlink(target.c_str(), path.c_str()) != 0) return MountFailed("link", path);
  return absl::OkStatus();
}

// The user becomes root of a namespace without any other users.
absl::Status MapUser(uid_t uid, gid_t gid) {
  RETURN_IF_ERROR(TellKernel("/proc/self/setgroups", "deny"));
  RETURN_IF_ERROR(TellKernel("/proc/self/uid_map", absl::StrCat("0 ", uid, " 1\n")));
  return TellKernel("/proc/self/gid_map", absl::StrCat("0 ", gid, " 1\n"));
}

absl::Status CheckMount(const std::string& path) {
  if (Exists(path + "/bus/nd/devices") && Exists(path + "/class/nd")) return absl::OkStatus();
  return core::Refusal(ENOTDIR, "shell.tree",
                       absl::StrCat("shell: ", path, " is a directory, but not an nvdimmfs mount"));
}

absl::Status NoNamespace(int error) {
  return core::Refusal(
      error, "shell.namespace",
      absl::StrCat("shell: no mount namespace: ", strerror(error),
                   "; it takes root (CAP_SYS_ADMIN), or user namespaces, which a sysctl, a "
                   "container or AppArmor may have switched off, and which no chroot has"));
}

// The root of the mount namespace becomes the root directory again.
bool LeaveChroot() {
  const posix::Descriptor self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  return self && setns(self.get(), CLONE_NEWNS) == 0;
}

// The host's unmounts propagate here; nothing propagates back.
absl::Status BecomeSlave() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return MountFailed("make a slave of", "/");
  return absl::OkStatus();
}

// For a chroot whose root is not a mount point: makes it one, so that its propagation can be
// changed.
absl::Status MountRoot() {
  char place[PATH_MAX];
  const bool known = getcwd(place, sizeof place) != nullptr;
  const posix::Descriptor root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto enter = [](int directory) { return fchdir(directory) == 0 && chroot(".") == 0; };
  if (!root || !LeaveChroot()) return MountFailed("leave the chroot of", "/");
  const absl::Status set_apart = BecomeSlave();
  const bool back = enter(root.get());
  RETURN_IF_ERROR(set_apart);
  if (!back) return MountFailed("enter the chroot of", "/");
  ASSIGN_OR_RETURN(const MountCopy copy, MountCopy::Of("/"));
  RETURN_IF_ERROR(copy.Put("/"));
  if (!enter(copy.descriptor())) return MountFailed("enter the mount of", "/");
  if (known && chdir(place) != 0) return MountFailed("enter", place);
  return absl::OkStatus();
}

}  // namespace

absl::Status Stage::Enter(const std::string& mountpoint) {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM) return NoNamespace(errno);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return NoNamespace(errno);
    RETURN_IF_ERROR(MapUser(uid, gid));
    in_user_namespace_ = true;
  }
  const absl::Status slave = BecomeSlave();
  RETURN_IF_ERROR(core::ErrnoOf(slave) == EINVAL ? MountRoot() : slave);
  RETURN_IF_ERROR(ShowProcesses());
  return MakeHome(mountpoint);
}

// A chroot may lack /proc.
absl::Status Stage::ShowProcesses() {
  if (Exists("/proc/self") || !Exists("/proc")) return absl::OkStatus();
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return MountFailed("mount a proc on", "/proc");
  return absl::OkStatus();
}

// Until Show covers it again, /dev holds the home and links to its former entries.
absl::Status Stage::MakeHome(const std::string& mountpoint) {
  std::optional<MountCopy> tree;
  if (!mountpoint.empty()) {
    RETURN_IF_ERROR(CheckMount(mountpoint));
    ASSIGN_OR_RETURN(MountCopy copy, MountCopy::Of(mountpoint));
    tree.emplace(std::move(copy));
  }
  const std::vector<std::string> names = NamesIn("/dev");
  ASSIGN_OR_RETURN(const MountCopy host, MountCopy::Of("/dev"));
  RETURN_IF_ERROR(PutEmpty("/dev"));
  for (const char* path : {kHomePath, kHostPath, kTreePath, kMergedPath, kBlockPath, kControlPath,
                           kProgramPath, kRealProgramPath})
    RETURN_IF_ERROR(MakeDirectory(path));
  RETURN_IF_ERROR(host.Put(kHostPath));
  if (tree) RETURN_IF_ERROR(tree->Put(kTreePath));
  if (Exists(kDevicesPath)) {
    ASSIGN_OR_RETURN(const MountCopy devices, MountCopy::Of(kDevicesPath));
    const std::string sys = ParentOf(kDevicesCopy);
    RETURN_IF_ERROR(MakeDirectory(sys));
    RETURN_IF_ERROR(MakeDirectory(kDevicesCopy));
    RETURN_IF_ERROR(devices.Put(kDevicesCopy));
    // Links in it have texts such as ../../../../class/bdi.
    for (const std::string& name : NamesIn("/sys"))
      if (absl::StrCat("/sys/", name) != kDevicesPath)
        RETURN_IF_ERROR(Link(absl::StrCat("/sys/", name), absl::StrCat(sys, "/", name)));
  }
  for (const std::string& name : names) {
    if (absl::StrCat("/dev/", name) == kHomePath) continue;
    RETURN_IF_ERROR(Link(absl::StrCat(".nvdimmfs/host/", name), absl::StrCat("/dev/", name)));
  }
  return absl::OkStatus();
}

absl::Status Stage::Show(bool block) {
  const std::string tree = kTreePath;
  // Hides all of the host's memory: writing an address there would offline a page of it.
  for (const char* place : {"bus/nd", "class/nd", "class/nfit_test_dimm", "bus/dax",
                            "kernel/debug/btt", "devices/system/memory"})
    if (Exists(absl::StrCat(tree, "/sys/", place)))
      RETURN_IF_ERROR(Cover(absl::StrCat(tree, "/sys/", place), absl::StrCat("/sys/", place)));
  for (const std::string& name : NamesIn(tree + "/devices/platform"))
    RETURN_IF_ERROR(ShowPlatformDevice(absl::StrCat(tree, "/devices/platform/", name), name));
  // Tools require a loaded module before they bind a device.
  for (const std::string& module : ModulesOfTree()) RETURN_IF_ERROR(ShowModule(module));
  for (const MergedFolder& folder : MergedFolders(tree))
    if (folder.kind != MergedFolder::Kind::kDev)
      RETURN_IF_ERROR(Cover(absl::StrCat(kMergedPath, "/", folder.name), folder.place));
  std::vector<std::string> files = {kModulesName};
  if (block) files.emplace_back(kPartitionsName);
  for (const std::string& name : files) {
    const std::string place = absl::StrCat("/proc/", name);
    if (Exists(place)) RETURN_IF_ERROR(Cover(absl::StrCat(kMergedPath, "/", name), place));
  }
  // Last, because it hides the paths to everything else; the new /dev shows the home again.
  RETURN_IF_ERROR(Cover(kHomePath, absl::StrCat(kMergedPath, "/dev/.nvdimmfs")));
  return Cover(absl::StrCat(kMergedPath, "/dev"), "/dev");
}

absl::Status Stage::ShowPlatformDevice(const std::string& source, const std::string& name) {
  constexpr char kFolder[] = "/sys/bus/platform/devices";
  RETURN_IF_ERROR(Cover(source, absl::StrCat("/sys/devices/platform/", name)));
  RETURN_IF_ERROR(MakeRoom(kFolder));
  const std::string link = absl::StrCat(kFolder, "/", name);
  const std::string target = absl::StrCat("../../../devices/platform/", name);
  if (symlink(target.c_str(), link.c_str()) != 0 && errno != EEXIST)
    return MountFailed("link", link);
  return absl::OkStatus();
}

absl::Status Stage::Cover(const std::string& source, const std::string& place) {
  RETURN_IF_ERROR(MakePlace(place));
  ASSIGN_OR_RETURN(const MountCopy copy, MountCopy::Of(source));
  return copy.Put(place);
}

absl::Status Stage::MakePlace(const std::string& place) {
  if (Exists(place)) return absl::OkStatus();
  RETURN_IF_ERROR(MakeRoom(ParentOf(place)));
  return MakeDirectory(place);
}

absl::Status Stage::MakeRoom(const std::string& directory) {
  if (rebuilt_.count(directory) != 0) return absl::OkStatus();
  RETURN_IF_ERROR(MakePlace(directory));
  return Rebuild(directory);
}

// Covers a directory that takes no new entries with a tmpfs that shows the same entries.
absl::Status Stage::Rebuild(const std::string& directory) {
  struct Entry {
    std::string name;
    bool is_directory;
    std::optional<MountCopy> copy;
    std::string target;  // of a link, which cannot be copied
  };
  std::vector<Entry> entries;
  for (const std::string& name : NamesIn(directory)) {
    const std::string path = absl::StrCat(directory, "/", name);
    struct stat stat = {};
    if (lstat(path.c_str(), &stat) != 0) continue;  // removed in the meantime
    if (S_ISLNK(stat.st_mode)) {
      std::error_code error;
      entries.push_back(
          {name, false, std::nullopt, std::filesystem::read_symlink(path, error).string()});
      continue;
    }
    ASSIGN_OR_RETURN(MountCopy copy, MountCopy::Of(path));
    entries.push_back({name, S_ISDIR(stat.st_mode), std::move(copy), ""});
  }
  // Scripts search the mounts for the word debugfs, and mount it over ours if they do not find it.
  RETURN_IF_ERROR(PutEmpty(directory, directory == "/sys/kernel/debug" ? "debugfs" : "nvdimmfs"));
  rebuilt_.insert(directory);
  for (const Entry& entry : entries) {
    const std::string path = absl::StrCat(directory, "/", entry.name);
    if (!entry.copy) {
      RETURN_IF_ERROR(Link(entry.target, path));
      continue;
    }
    RETURN_IF_ERROR(entry.is_directory ? MakeDirectory(path)
                                       : Written(posix::WriteFile(path, "", 0444), path));
    RETURN_IF_ERROR(entry.copy->Put(path));
  }
  return absl::OkStatus();
}

// Shows the tree's module even if the host has one of that name: it is not what runs here.
absl::Status Stage::ShowModule(const std::string& name) {
  const std::string place = NVDIMMFS_MODULES + name, tree = NVDIMMFS_TREE_MODULES + name;
  if (name != NVDIMMFS_BUS_MODULE) return Cover(tree, place);
  // A module that can be unloaded is a link, which programs create and remove.
  RETURN_IF_ERROR(MakeRoom(ParentOf(place)));
  // The host's own, or an enclosing shell's.
  umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  rmdir(place.c_str());
  unlink(place.c_str());
  return Exists(tree) ? Link(tree, place) : absl::OkStatus();
}

}  // namespace nvdimmfs::tools
