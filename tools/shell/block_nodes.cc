#include "tools/shell/block_nodes.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"
#include "tools/shell/device_number.h"
#include "tools/shell/loop_device.h"
#include "tools/shell/node_requests.h"

namespace nvdimmfs::tools {
namespace {

int OpenFolder(const std::string& path) {
  return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// What is needed of the machine, opened while nothing covers it: by then the way to it may lead
// through who waits for an answer from here.
struct Folders {
  int nodes = OpenFolder(kBlockPath);
  int blocks = OpenFolder("/sys/class/block");

  Folders() = default;
  ~Folders() {
    close(nodes);
    close(blocks);
  }
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  std::string Node(absl::string_view name) const {
    return absl::StrCat("/proc/self/fd/", nodes, "/", name);
  }
};

// A node for a number; gone with the object.
class TemporaryNode {
 public:
  TemporaryNode(const Folders& folders, dev_t number)
      : path_(folders.Node(absl::StrCat(".", number))) {
    mknod(path_.c_str(), S_IFBLK | 0600, number);
  }
  ~TemporaryNode() { unlink(path_.c_str()); }
  TemporaryNode(const TemporaryNode&) = delete;
  TemporaryNode& operator=(const TemporaryNode&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// "pmem0p1" is {"pmem0", "p1"}; a name without a partition has none.
std::pair<std::string, std::string> SplitPartition(const std::string& name) {
  size_t digits = name.size();
  while (digits > 0 && isdigit(name[digits - 1])) --digits;
  if (digits == name.size() || digits == 0 || name[digits - 1] != 'p') return {name, ""};
  return {name.substr(0, digits - 1), name.substr(digits - 1)};
}

class BlockNodes {
 public:
  BlockNodes(const std::string& host_dev, const std::string& tree, const Folders& folders,
             BlockRecord& record)
      : control_(open(absl::StrCat(host_dev, "/loop-control").c_str(), O_RDWR | O_CLOEXEC)),
        files_(OpenFolder(absl::StrCat(tree, "/dev"))),
        folders_(folders),
        record_(record) {}
  ~BlockNodes() {
    close(control_);
    close(files_);
  }
  BlockNodes(const BlockNodes&) = delete;
  BlockNodes& operator=(const BlockNodes&) = delete;

  int control() const { return control_; }

  bool Ensure(const std::string& name) {
    DropStale();
    const auto [disk, partition] = SplitPartition(name);
    if (!EnsureDisk(disk)) return false;
    return partition.empty() || EnsurePartition(disk, partition);
  }

 private:
  struct Device {
    int number = 0;
    ino_t file = 0;
    bool read_only = false;
    size_t entry = 0;  // in the record
  };

  std::optional<struct stat> FileOf(const std::string& name) const {
    struct stat stat = {};
    if (fstatat(files_, name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(stat.st_mode))
      return std::nullopt;
    return stat;
  }

  // As its disk says: a file of a read-only region can still be opened for writing, as in a kernel.
  bool ReadOnly(const std::string& name) const {
    const std::string attribute = absl::StrCat("../block/", name, "/ro");
    const int file = openat(files_, attribute.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    char value = '0';
    const ssize_t length = read(file, &value, 1);
    close(file);
    return length == 1 && value == '1';
  }

  void Drop(const std::string& name, const Device& device) {
    DetachLoop(folders_.Node(name));
    record_.attached[device.entry].store(0);
    for (const std::string& partition : partitions_[name]) unlink(folders_.Node(partition).c_str());
    partitions_.erase(name);
    unlink(folders_.Node(name).c_str());
  }

  // Names whose namespace is gone, or another one by now, or has become read-only or writable.
  void DropStale() {
    for (auto it = devices_.begin(); it != devices_.end();) {
      const auto file = FileOf(it->first);
      if (file && file->st_ino == it->second.file && ReadOnly(it->first) == it->second.read_only) {
        ++it;
        continue;
      }
      Drop(it->first, it->second);
      it = devices_.erase(it);
    }
  }

  bool EnsureDisk(const std::string& name) {
    if (devices_.count(name) != 0) return true;
    const auto stat = FileOf(name);
    const auto entry = std::find(std::begin(record_.attached), std::end(record_.attached), 0);
    if (!stat || entry == std::end(record_.attached)) return false;
    const bool read_only = ReadOnly(name);
    const int file = openat(files_, name.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (file < 0) return false;
    const auto number = AttachLoop(control_, file, folders_.Node(name), read_only,
                                   static_cast<uint32_t>(stat->st_blksize));
    close(file);
    if (!number.ok()) {
      std::fprintf(stderr, "nvdimmfs: %s\n", std::string(number.status().message()).c_str());
      return false;
    }
    entry->store(*number + 1);
    devices_[name] = {*number, stat->st_ino, read_only,
                      static_cast<size_t>(entry - std::begin(record_.attached))};
    return true;
  }

  bool EnsurePartition(const std::string& disk, const std::string& partition) {
    const std::string attribute = absl::StrCat("loop", devices_[disk].number, partition, "/dev");
    const auto number = ReadNumber(folders_.blocks, attribute);
    const std::string node = folders_.Node(disk + partition);
    unlink(node.c_str());
    if (!number) return false;
    partitions_[disk].insert(disk + partition);
    return mknod(node.c_str(), S_IFBLK | 0600, *number) == 0;
  }

  const int control_;
  const int files_;  // the tree's dev/
  const Folders& folders_;
  BlockRecord& record_;
  std::map<std::string, Device> devices_;
  std::map<std::string, std::set<std::string>> partitions_;
};

// --- The end. ---

std::vector<std::string> NamesAt(int folder) {
  std::vector<std::string> names;
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(copy), closedir);
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream.get())) names.emplace_back(entry->d_name);
  return names;
}

// Of the loop device itself and of its partitions. `blocks` is /sys/class/block.
std::set<dev_t> NumbersOf(int loop, int blocks) {
  std::set<dev_t> numbers = {makedev(kLoopMajor, static_cast<unsigned>(loop))};
  for (const std::string& name : NamesAt(blocks)) {
    if (!absl::StartsWith(name, absl::StrCat("loop", loop, "p"))) continue;
    if (const auto number = ReadNumber(blocks, absl::StrCat(name, "/dev"))) numbers.insert(*number);
  }
  return numbers;
}

struct MountPoint {
  dev_t device;
  std::string path;
};

// Of this mount namespace, the last mounted first.
std::vector<MountPoint> MountPoints() {
  std::vector<MountPoint> points;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id, parent, number, root, path;
    words >> id >> parent >> number >> root >> path;
    unsigned major_number, minor_number;
    if (sscanf(number.c_str(), "%u:%u", &major_number, &minor_number) != 2) continue;
    MountPoint point = {.device = makedev(major_number, minor_number)};
    point.path = absl::StrReplaceAll(
        path, {{"\\040", " "}, {"\\011", "\t"}, {"\\012", "\n"}, {"\\134", "\\"}});
    points.push_back(std::move(point));
  }
  std::reverse(points.begin(), points.end());
  return points;
}

void Unmount(const std::string& path) {
  if (const int folder = OpenFolder(path); folder >= 0) {
    syncfs(folder);
    close(folder);
  }
  if (umount2(path.c_str(), UMOUNT_NOFOLLOW) != 0)
    umount2(path.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH);
}

void Release(BlockRecord& record, dev_t tree, const Folders& folders) {
  for (std::atomic<int>& attached : record.attached) {
    const int loop = attached.load() - 1;
    if (loop < 0) continue;
    const TemporaryNode node(folders, makedev(kLoopMajor, static_cast<unsigned>(loop)));
    // It may be somebody else's by now, or nobody's. One that cannot say what it is over has lost
    // its file.
    const auto backing = BackingOf(node.path());
    const bool ours =
        backing.ok() ? backing->device == tree : core::ErrnoOf(backing.status()) != ENXIO;
    if (ours) {
      const std::set<dev_t> numbers = NumbersOf(loop, folders.blocks);
      for (const MountPoint& point : MountPoints())
        if (numbers.count(point.device) != 0) Unmount(point.path);
      DetachLoop(node.path());
    }
    attached.store(0);
  }
}

// Devices of shells that were killed with all their processes at once: nobody serves their files.
// `control` is /dev/loop-control, on which each server of block devices has a shared lock from here
// on; while there are others, a device without its file may be one that they are about to drop.
void DetachLost(int control, const std::string& tree, const Folders& folders) {
  const bool alone = flock(control, LOCK_EX | LOCK_NB) == 0;
  for (const std::string& name : alone ? NamesAt(folders.blocks) : std::vector<std::string>()) {
    unsigned number;
    char after;
    if (sscanf(name.c_str(), "loop%u%c", &number, &after) != 1) continue;
    const std::string attribute = absl::StrCat(name, "/loop/backing_file");
    const int file = openat(folders.blocks, attribute.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    char text[PATH_MAX];
    const ssize_t length = read(file, text, sizeof text);
    close(file);
    absl::string_view path(text, static_cast<size_t>(std::max<ssize_t>(length, 0)));
    // Of a mount that is gone the kernel knows no more than the path within.
    absl::ConsumePrefix(&path, tree);
    if (!absl::StartsWith(path, "/dev/pmem")) continue;
    const TemporaryNode node(folders, makedev(kLoopMajor, number));
    if (IsLost(node.path())) DetachLoop(node.path());
  }
  flock(control, LOCK_SH);
}

dev_t DeviceOf(const std::string& path) {
  struct stat stat = {};
  return ::stat(path.c_str(), &stat) == 0 ? stat.st_dev : 0;
}

}  // namespace

absl::Status CheckBlockNodes(const std::string& host_dev) {
  const std::string control = absl::StrCat(host_dev, "/loop-control");
  const int file = open(control.c_str(), O_RDWR | O_CLOEXEC);
  if (file >= 0) {
    close(file);
    return absl::OkStatus();
  }
  const int error = errno;
  return core::Refusal(error, "shell.block",
                       absl::StrCat("shell: --block: open ", control, ": ", strerror(error),
                                    "; block devices take root and the module loop"));
}

absl::StatusOr<BlockRecord*> BlockRecord::Make() {
  void* at =
      mmap(nullptr, sizeof(BlockRecord), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return core::Refusal(errno, "shell.block", absl::StrCat("shell: mmap: ", strerror(errno)));
  return new (at) BlockRecord;
}

int ServeBlockNodes(int socket, const std::string& host_dev, const std::string& tree,
                    BlockRecord& record) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  const int signals = signalfd(-1, &end, SFD_CLOEXEC);
  const Folders folders;
  const dev_t device = DeviceOf(tree);
  BlockNodes nodes(host_dev, tree, folders, record);
  DetachLost(nodes.control(), tree, folders);
  bool ended = false;
  while (!ended) {
    pollfd fds[2] = {{socket, POLLIN, 0}, {signals, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    ended = fds[1].revents != 0;
    if (ended || fds[0].revents == 0) continue;
    ended = !AnswerNodeRequest(socket, [&](const std::string& name) { return nodes.Ensure(name); });
  }
  Release(record, device, folders);
  return 0;
}

void ReleaseBlockDevices(const std::string& tree, BlockRecord& record) {
  Release(record, DeviceOf(tree), Folders());
}

}  // namespace nvdimmfs::tools
