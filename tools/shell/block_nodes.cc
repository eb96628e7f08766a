// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/block_nodes.h"

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
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "backends/posix/loop_device.h"
#include "core/base/status.h"
#include "tools/shell/device_number.h"
#include "tools/shell/mount_table.h"
#include "tools/shell/node_requests.h"

namespace nvdimmfs::tools {
namespace {

using posix::Descriptor;
using posix::LoopDevice;

// Files of the machine, opened before they are covered: later, looking up their paths may wait for
// this process.
struct Folders {
  const Descriptor nodes = posix::OpenFolder(kBlockPath);
  const Descriptor blocks = posix::OpenFolder("/sys/class/block");

  std::string Node(absl::string_view name) const {
    return absl::StrCat("/proc/self/fd/", nodes.get(), "/", name);
  }
};

// A node for a device number; removed with the object.
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

dev_t DeviceOf(const std::string& path) {
  struct stat stat = {};
  return ::stat(path.c_str(), &stat) == 0 ? stat.st_dev : 0;
}

// The first line of `attribute` below `folder`; "" if there is none.
std::string LineOf(const Descriptor& folder, const std::string& attribute) {
  return posix::ReadLine(folder.get(), attribute).value_or("");
}

// The backing file of the loop device `node`. Refused as LoopDevice::Open and Backing.
absl::StatusOr<posix::LoopBacking> BackingOf(const std::string& node) {
  ASSIGN_OR_RETURN(const LoopDevice device, LoopDevice::Open(node));
  return device.Backing();
}

void DetachLoop(const std::string& node) {
  if (const auto device = LoopDevice::Open(node); device.ok()) device->Detach();
}

bool IsLost(const std::string& node) {
  const auto device = LoopDevice::Open(node);
  return device.ok() && device->IsLost();
}

// Attaches `file` to the loop device `index`, which is created if necessary; `node` is a node with
// its number. "shell.block": EBUSY if something else is attached.
absl::Status AttachLoop(int control, uint32_t index, int file, const std::string& node,
                        const posix::LoopSettings& settings) {
  const auto failed = [index](absl::string_view verb, int error) {
    return core::Refusal(
        error, "shell.block",
        absl::StrCat("shell: ", verb, " loop device ", index, ": ", strerror(error)));
  };
  if (const int error = posix::AddLoop(control, index); error != 0 && error != EEXIST)
    return failed("make", error);
  const auto device = LoopDevice::Open(node, settings.read_only);
  if (!device.ok()) return failed("open", core::ErrnoOf(device.status()));
  const absl::Status attached = device->Configure(file, settings);
  return attached.ok() ? attached : failed("attach", core::ErrnoOf(attached));
}

class BlockNodes {
 public:
  BlockNodes(const std::string& tree, const Folders& folders, BlockRecord& record)
      : device_(DeviceOf(tree)),
        tree_(posix::OpenFolder(tree)),
        files_(posix::OpenFolder(absl::StrCat(tree, "/dev"))),
        folders_(folders),
        record_(record) {}

  bool Ensure(const std::string& name) {
    DropStale();
    const auto parsed = ParseDiskName(name);
    if (!parsed || !EnsureDisk(parsed->disk)) return false;
    ShowPartitions(parsed->disk);
    return parsed->partition.empty() || devices_[parsed->disk].partitions.count(name) != 0;
  }

 private:
  struct Device {
    uint32_t index = 0;  // of the loop device
    ino_t file = 0;
    bool read_only = false;
    std::optional<size_t> entry;  // in the record; none if another shell attached the device
    std::string told;             // the partitions as reported to the tree
    std::set<std::string> partitions;
  };

  std::optional<struct stat> FileOf(const std::string& name) const {
    struct stat stat = {};
    if (fstatat(files_.get(), name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(stat.st_mode))
      return std::nullopt;
    return stat;
  }

  // As the disk's attribute says: as in a kernel, a read-only disk can still be opened for writing.
  bool ReadOnly(const std::string& name) const {
    return LineOf(tree_, absl::StrCat("block/", name, "/ro")) == "1";
  }

  void Drop(const std::string& name, const Device& device) {
    if (device.entry) {
      DetachLoop(folders_.Node(name));
      posix::RemoveLoop(record_.control, device.index);
      record_.attached[*device.entry].store(0);
    }
    unlink(folders_.Node(name).c_str());
  }

  // Names whose namespace is gone, has been replaced, or has become read-only or writable.
  void DropStale() {
    for (auto it = devices_.begin(); it != devices_.end();) {
      const auto file = FileOf(it->first);
      if (file && file->st_ino == it->second.file && ReadOnly(it->first) == it->second.read_only &&
          IsAttached(it->first, it->second)) {
        ++it;
        continue;
      }
      Drop(it->first, it->second);
      it = devices_.erase(it);
    }
  }

  // Another shell's device may disappear with that shell.
  bool IsAttached(const std::string& name, const Device& device) const {
    return device.entry.has_value() || HasFile(name, device.file);
  }

  bool HasFile(const std::string& name, ino_t file) const {
    const auto backing = BackingOf(folders_.Node(name));
    return backing.ok() && backing->device == device_ && backing->inode == file;
  }

  bool EnsureDisk(const std::string& name) {
    if (devices_.count(name) != 0) return true;
    const auto stat = FileOf(name);
    const auto number = ReadNumber(tree_.get(), absl::StrCat("block/", name, "/dev"));
    const auto entry = std::find(std::begin(record_.attached), std::end(record_.attached), 0);
    if (!stat || !number || entry == std::end(record_.attached)) return false;
    Device device = {.index = record_.loops.IndexOf(minor(*number)),
                     .file = stat->st_ino,
                     .read_only = ReadOnly(name)};
    if (major(*number) != posix::kLoopMajor || !record_.loops.Holds(device.index)) return false;
    const std::string node = folders_.Node(name);
    unlink(node.c_str());
    if (mknod(node.c_str(), S_IFBLK | 0600, *number) != 0) return false;
    if (!HasFile(name, stat->st_ino)) {
      if (!Attach(name, device, static_cast<uint32_t>(stat->st_blksize))) return false;
      device.entry = static_cast<size_t>(entry - std::begin(record_.attached));
      entry->store(static_cast<int>(device.index) + 1);
    }
    devices_[name] = std::move(device);
    return true;
  }

  bool Attach(const std::string& name, const Device& device, uint32_t block_size) const {
    const Descriptor file(
        openat(files_.get(), name.c_str(), (device.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!file) return false;
    const absl::Status attached =
        AttachLoop(record_.control, device.index, file.get(), folders_.Node(name),
                   // Direct I/O: unreadable bytes must not come from a cache.
                   {.sector_size = block_size,
                    .read_only = device.read_only,
                    .direct = true,
                    .partitions = true});
    if (!attached.ok())
      std::fprintf(stderr, "nvdimmfs: %s: %s\n", name.c_str(),
                   std::string(attached.message()).c_str());
    return attached.ok();
  }

  // Reports to the tree the partitions that the kernel found on the disk or was given.
  void ShowPartitions(const std::string& disk) {
    Device& device = devices_[disk];
    const std::string loop = absl::StrCat("loop", device.index);
    const Descriptor folder(
        openat(folders_.blocks.get(), loop.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::string text = disk + "\n";
    std::set<std::string> names;
    for (const std::string& name : posix::NamesIn(folder.get())) {
      if (!absl::StartsWith(name, absl::StrCat(loop, "p"))) continue;
      const auto attribute = [&](absl::string_view of) {
        return LineOf(folder, absl::StrCat(name, "/", of));
      };
      const std::string index = attribute("partition");
      absl::StrAppend(&text, index, " ", attribute("start"), " ", attribute("size"), " ",
                      attribute("dev"), "\n");
      names.insert(absl::StrCat(disk, absl::EndsWith(disk, "s") ? "" : "p", index));
    }
    if (text == device.told || (names.empty() && device.told.empty())) return;
    if (posix::WriteAttribute(tree_.get(), "bus/nd/x/partitions", text) != 0) return;
    device.told = std::move(text);
    device.partitions = std::move(names);
  }

  const dev_t device_;  // of the tree
  const Descriptor tree_;
  const Descriptor files_;  // the tree's dev/
  const Folders& folders_;
  BlockRecord& record_;
  std::map<std::string, Device> devices_;
};

// --- The end. ---

// The device numbers of the loop device itself and of its partitions. `blocks` is /sys/class/block.
std::set<dev_t> NumbersOf(const LoopRange& loops, uint32_t loop, const Descriptor& blocks) {
  std::set<dev_t> numbers = {makedev(posix::kLoopMajor, loops.MinorOf(loop))};
  for (const std::string& name : posix::NamesIn(blocks.get())) {
    if (!absl::StartsWith(name, absl::StrCat("loop", loop, "p"))) continue;
    if (const auto number = ReadNumber(blocks.get(), absl::StrCat(name, "/dev")))
      numbers.insert(*number);
  }
  return numbers;
}

void Unmount(const std::string& path) {
  if (const Descriptor folder = posix::OpenFolder(path)) syncfs(folder.get());
  if (umount2(path.c_str(), UMOUNT_NOFOLLOW) != 0)
    umount2(path.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH);
}

void Release(BlockRecord& record, dev_t tree, const Folders& folders) {
  for (std::atomic<int>& attached : record.attached) {
    if (attached.load() == 0) continue;
    const auto loop = static_cast<uint32_t>(attached.load() - 1);
    const TemporaryNode node(folders, makedev(posix::kLoopMajor, record.loops.MinorOf(loop)));
    // It may belong to another program by now, or be free. A loop device that cannot report its
    // backing file has lost it.
    const auto backing = BackingOf(node.path());
    const bool ours =
        backing.ok() ? backing->device == tree : core::ErrnoOf(backing.status()) != ENXIO;
    if (ours) {
      const std::set<dev_t> numbers = NumbersOf(record.loops, loop, folders.blocks);
      for (const MountEntry& entry : ReadMountTable())
        if (numbers.count(entry.device) != 0) Unmount(entry.path);
      DetachLoop(node.path());
      posix::RemoveLoop(record.control, loop);
    }
    attached.store(0);
  }
  // Once only: the range may then be another shell's.
  if (std::exchange(record.loops.owned, false)) record.loops.Give(record.control);
}

// Detaches devices of shells that were killed with all their processes: nothing serves their files.
// `control` is /dev/loop-control, on which each shell holds a shared lock from here on. While other
// shells exist, a device without its file may be one that they are about to detach.
void DetachLost(int control, const std::string& tree) {
  const bool alone = flock(control, LOCK_EX | LOCK_NB) == 0;
  const Folders folders;
  for (const std::string& name :
       alone ? posix::NamesIn(folders.blocks.get()) : std::vector<std::string>()) {
    const auto index = posix::LoopIndexOf(name);
    const auto number = ReadNumber(folders.blocks.get(), absl::StrCat(name, "/dev"));
    if (!index || !number || name.find('p') != name.rfind('p')) continue;
    std::string file = LineOf(folders.blocks, absl::StrCat(name, "/loop/backing_file"));
    absl::string_view path = file;
    // For a mount that is gone, the kernel reports only the path within it.
    absl::ConsumePrefix(&path, tree);
    if (absl::StartsWith(path, "/dev/pmem")) {
      const TemporaryNode node(folders, *number);
      if (!IsLost(node.path())) continue;
      DetachLoop(node.path());
      file.clear();
    }
    if (file.empty() && *index >= LoopRange::kFirst) posix::RemoveLoop(control, *index);
  }
  flock(control, LOCK_SH);
}

}  // namespace

absl::Status CheckBlockNodes(const std::string& host_dev) {
  const std::string control = absl::StrCat(host_dev, "/loop-control");
  if (Descriptor(open(control.c_str(), O_RDWR | O_CLOEXEC))) return absl::OkStatus();
  const int error = errno;
  return core::Refusal(error, "shell.block",
                       absl::StrCat("shell: --block: open ", control, ": ", strerror(error),
                                    "; block devices need root and the kernel module loop"));
}

absl::StatusOr<BlockRecord*> BlockRecord::Make(const std::string& host_dev,
                                               const std::string& tree) {
  void* at =
      mmap(nullptr, sizeof(BlockRecord), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return core::Refusal(errno, "shell.block", absl::StrCat("shell: mmap: ", strerror(errno)));
  auto* const record = new (at) BlockRecord;
  record->control = open(absl::StrCat(host_dev, "/loop-control").c_str(), O_RDWR | O_CLOEXEC);
  DetachLost(record->control, tree);
  ASSIGN_OR_RETURN(record->loops, LoopRange::Take(record->control, tree));
  return record;
}

int ServeBlockNodes(int socket, const std::string& tree, BlockRecord& record) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  const Descriptor signals(signalfd(-1, &end, SFD_CLOEXEC));
  const Folders folders;
  const dev_t device = DeviceOf(tree);
  BlockNodes nodes(tree, folders, record);
  bool ended = false;
  while (!ended) {
    pollfd fds[2] = {{socket, POLLIN, 0}, {signals.get(), POLLIN, 0}};
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
