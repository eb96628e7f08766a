#include "tools/shell/stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "tools/shell/block_nodes.h"
#include "tools/shell/control_nodes.h"
#include "tools/shell/merged_folders.h"
#include "tools/shell/module_places.h"
#include "tools/shell/module_program.h"

namespace nvdimmfs::tools {
namespace {

absl::Status Failed(absl::string_view what, absl::string_view on) {
  const int error = errno;
  return core::Refusal(error, "shell.mount",
                       absl::StrCat("shell: ", what, " ", on, ": ", strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

bool Exists(const std::string& path) {
  struct stat stat = {};
  return lstat(path.c_str(), &stat) == 0;
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

absl::Status WriteFile(const std::string& path, absl::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0444));
  if (file.get() < 0 ||
      write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return Failed("write", path);
  return absl::OkStatus();
}

// A copy of what is mounted at `path` and below, mounted nowhere yet.
absl::StatusOr<Descriptor> Copy(const std::string& path) {
  Descriptor copy(open_tree(
      AT_FDCWD, path.c_str(),
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT));
  if (copy.get() < 0) return Failed("copy the mount of", path);
  return copy;
}

absl::Status Put(const Descriptor& copy, const std::string& place) {
  if (move_mount(copy.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return Failed("mount on", place);
  return absl::OkStatus();
}

// `source` is what mount(8) shows in its first column.
absl::Status PutEmpty(const std::string& place, const char* source = "nvdimmfs") {
  if (mount(source, place.c_str(), "tmpfs", MS_NOSUID, "mode=0755") != 0)
    return Failed("mount a tmpfs on", place);
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0) return Failed("make directory", path);
  return absl::OkStatus();
}

// The user becomes root of a namespace in which nobody else exists.
absl::Status MapUser(uid_t uid, gid_t gid) {
  RETURN_IF_ERROR(WriteFile("/proc/self/setgroups", "deny"));
  RETURN_IF_ERROR(WriteFile("/proc/self/uid_map", absl::StrCat("0 ", uid, " 1\n")));
  return WriteFile("/proc/self/gid_map", absl::StrCat("0 ", gid, " 1\n"));
}

absl::Status CheckMount(const std::string& path) {
  if (Exists(path + "/bus/nd/devices") && Exists(path + "/class/nd")) return absl::OkStatus();
  return core::Refusal(ENOTDIR, "shell.mount",
                       absl::StrCat("shell: ", path, " is a directory, but no mount of nvdimmfs"));
}

absl::Status NoNamespace(int error) {
  return core::Refusal(
      error, "shell.namespace",
      absl::StrCat("shell: no mount namespace: ", strerror(error),
                   "; it takes root (CAP_SYS_ADMIN), or user namespaces, which a sysctl, a "
                   "container or AppArmor may have switched off"));
}

}  // namespace

absl::Status Stage::Enter(const std::string& mountpoint) {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM) return NoNamespace(errno);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return NoNamespace(errno);
    RETURN_IF_ERROR(MapUser(uid, gid));
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return Failed("make private", "/");
  return MakeHome(mountpoint);
}

// Until Show covers it again, the home is all of /dev, with links to what was there.
absl::Status Stage::MakeHome(const std::string& mountpoint) {
  std::optional<Descriptor> tree;
  if (!mountpoint.empty()) {
    RETURN_IF_ERROR(CheckMount(mountpoint));
    ASSIGN_OR_RETURN(Descriptor copy, Copy(mountpoint));
    tree.emplace(std::move(copy));
  }
  const std::vector<std::string> names = NamesIn("/dev");
  ASSIGN_OR_RETURN(const Descriptor host, Copy("/dev"));
  RETURN_IF_ERROR(PutEmpty("/dev"));
  for (const char* path :
       {kHomePath, kHostPath, kTreePath, kMergedPath, kBlockPath, kControlPath, kProgramPath})
    RETURN_IF_ERROR(MakeDirectory(path));
  RETURN_IF_ERROR(Put(host, kHostPath));
  if (tree) RETURN_IF_ERROR(Put(*tree, kTreePath));
  if (Exists(kSystemPath)) {
    ASSIGN_OR_RETURN(const Descriptor system, Copy(kSystemPath));
    RETURN_IF_ERROR(MakeDirectory(kSystemCopy));
    RETURN_IF_ERROR(Put(system, kSystemCopy));
  }
  for (const std::string& name : names) {
    if (absl::StrCat("/dev/", name) == kHomePath) continue;
    if (symlink(absl::StrCat(".nvdimmfs/host/", name).c_str(),
                absl::StrCat("/dev/", name).c_str()) != 0)
      return Failed("link", name);
  }
  return absl::OkStatus();
}

absl::Status Stage::Show(bool block) {
  const std::string tree = kTreePath;
  // All of the host's memory is covered: what offlines a page there takes an address.
  for (const char* place : {"bus/nd", "class/nd", "class/nfit_test_dimm", "bus/dax",
                            "kernel/debug/btt", "devices/system/memory"})
    if (Exists(absl::StrCat(tree, "/sys/", place)))
      RETURN_IF_ERROR(Cover(absl::StrCat(tree, "/sys/", place), absl::StrCat("/sys/", place)));
  for (const std::string& name : NamesIn(tree + "/devices/platform"))
    RETURN_IF_ERROR(ShowPlatformDevice(absl::StrCat(tree, "/devices/platform/", name), name));
  // Tools want a module loaded before they bind a device.
  for (const char* module : kModules) RETURN_IF_ERROR(ShowModule(module));
  HideUnloadedModule(tree);
  for (const MergedFolder& folder : MergedFolders(tree))
    if (folder.kind != MergedFolder::Kind::kDev)
      RETURN_IF_ERROR(Cover(absl::StrCat(kMergedPath, "/", folder.name), folder.place));
  std::vector<std::string> files = {kModulesName};
  if (block) files.emplace_back(kPartitionsName);
  for (const std::string& name : files) {
    const std::string place = absl::StrCat("/proc/", name);
    if (Exists(place)) RETURN_IF_ERROR(Cover(absl::StrCat(kMergedPath, "/", name), place));
  }
  // Last, for it hides the way to everything else: the home shows up again below the new /dev.
  RETURN_IF_ERROR(Cover(kHomePath, absl::StrCat(kMergedPath, "/dev/.nvdimmfs")));
  return Cover(absl::StrCat(kMergedPath, "/dev"), "/dev");
}

absl::Status Stage::ShowPlatformDevice(const std::string& source, const std::string& name) {
  constexpr char kFolder[] = "/sys/bus/platform/devices";
  RETURN_IF_ERROR(Cover(source, absl::StrCat("/sys/devices/platform/", name)));
  RETURN_IF_ERROR(MakeRoom(kFolder));
  const std::string link = absl::StrCat(kFolder, "/", name);
  const std::string target = absl::StrCat("../../../devices/platform/", name);
  if (symlink(target.c_str(), link.c_str()) != 0 && errno != EEXIST) return Failed("link", link);
  return absl::OkStatus();
}

absl::Status Stage::Cover(const std::string& source, const std::string& place) {
  RETURN_IF_ERROR(MakePlace(place));
  ASSIGN_OR_RETURN(const Descriptor copy, Copy(source));
  return Put(copy, place);
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

// A directory of a filesystem that takes no new entries becomes a tmpfs that shows the same ones.
absl::Status Stage::Rebuild(const std::string& directory) {
  struct Entry {
    std::string name;
    bool is_directory;
    Descriptor copy;
    std::string target;  // of a link
  };
  std::vector<Entry> entries;
  for (const std::string& name : NamesIn(directory)) {
    const std::string path = absl::StrCat(directory, "/", name);
    struct stat stat = {};
    if (lstat(path.c_str(), &stat) != 0) continue;  // gone meanwhile
    if (S_ISLNK(stat.st_mode)) {
      std::error_code error;
      entries.push_back(
          {name, false, Descriptor(-1), std::filesystem::read_symlink(path, error).string()});
      continue;
    }
    ASSIGN_OR_RETURN(Descriptor copy, Copy(path));
    entries.push_back({name, S_ISDIR(stat.st_mode), std::move(copy), ""});
  }
  // Scripts look for the word debugfs among the mounts, and mount it over ours where it is missing.
  RETURN_IF_ERROR(PutEmpty(directory, directory == "/sys/kernel/debug" ? "debugfs" : "nvdimmfs"));
  rebuilt_.insert(directory);
  for (const Entry& entry : entries) {
    const std::string path = absl::StrCat(directory, "/", entry.name);
    if (entry.copy.get() < 0) {
      if (symlink(entry.target.c_str(), path.c_str()) != 0) return Failed("link", path);
      continue;
    }
    RETURN_IF_ERROR(entry.is_directory ? MakeDirectory(path) : WriteFile(path, ""));
    RETURN_IF_ERROR(Put(entry.copy, path));
  }
  return absl::OkStatus();
}

// Tools that use libkmod insert a module, and give up where they cannot, unless this says "live".
absl::Status Stage::ShowModule(const std::string& name) {
  const std::string directory = "/sys/module/" + name;
  const std::string state = directory + "/initstate";
  if (Exists(state)) return absl::OkStatus();
  if (Exists(directory)) {
    RETURN_IF_ERROR(Rebuild(directory));
  } else {
    RETURN_IF_ERROR(MakePlace(directory));
  }
  // What lsmod and modprobe look at. O: not part of the kernel's own tree, as a test wants those
  // that it runs on. No kernel has any code of it.
  const std::pair<const char*, const char*> files[] = {
      {"/coresize", "0\n"}, {"/refcnt", "0\n"}, {"/taint", "O\n"}};
  for (const auto& [file, text] : files)
    if (!Exists(directory + file)) RETURN_IF_ERROR(WriteFile(directory + file, text));
  if (!Exists(directory + "/holders")) RETURN_IF_ERROR(MakeDirectory(directory + "/holders"));
  return WriteFile(state, "live\n");
}

// Somebody else's mount may be without the buses of that module.
void Stage::HideUnloadedModule(const std::string& tree) {
  const Descriptor loaded(open(absl::StrCat(tree, NVDIMMFS_LOADED).c_str(), O_RDONLY | O_CLOEXEC));
  char value = '1';
  if (loaded.get() < 0 || read(loaded.get(), &value, 1) != 1 || value != '0') return;
  // The host's own stays.
  rename(NVDIMMFS_BUS_MODULE_LOADED, NVDIMMFS_BUS_MODULE_UNLOADED);
}

}  // namespace nvdimmfs::tools
