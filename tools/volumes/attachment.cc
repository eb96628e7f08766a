// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/attachment.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/loop_device.h"
#include "core/base/status.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

constexpr absl::Duration kPause = absl::Milliseconds(10);

// Room for the mount point of the data file only.
constexpr char kFolderOptions[] = "size=4k,nr_inodes=2,mode=0755";
constexpr unsigned long kFolderFlags = MS_NODEV | MS_NOSUID | MS_NOEXEC;

absl::Status Failed(absl::string_view what, absl::string_view on) {
  return core::Refusal(errno, "volume.mount", absl::StrCat(what, " ", on, ": ", strerror(errno)));
}

absl::Status MountFrom(const std::string& device, const Attachment& attachment) {
  unsigned long flags = MS_NODEV;
  if (attachment.options.read_only) flags |= MS_RDONLY;
  if (mount(device.c_str(), attachment.place.c_str(), attachment.fstype.c_str(), flags, nullptr) !=
      0)
    return Failed(absl::StrCat("mount the ", attachment.fstype, " of"), attachment.node);
  return absl::OkStatus();
}

absl::Status MountFileSystem(const Attachment& attachment) {
  if (!attachment.loop.empty()) return MountFrom(attachment.loop, attachment);
  ASSIGN_OR_RETURN(const posix::LoopDevice loop,
                   posix::LoopDevice::Attach(attachment.node, attachment.sector_size,
                                             attachment.options.read_only, attachment.is_held));
  return MountFrom(loop.path(), attachment);
}

std::string DataIn(const std::string& place) { return absl::StrCat(place, "/", kDataName); }

// Whether MountFolder made it. Looking into it asks no file system that may hang.
bool IsFolder(const std::string& place) {
  struct statfs whole = {};
  return DeviceAt(place) && statfs(place.c_str(), &whole) == 0 && whole.f_type == TMPFS_MAGIC;
}

// The block device of the file system mounted there.
std::optional<dev_t> SourceAt(const std::string& place) {
  const std::optional<dev_t> device = DeviceAt(place);
  if (!device || major(*device) != 0) return device;
  // A file system with a device number for each of its subvolumes, such as btrfs.
  const std::optional<MountEntry> entry = MountAt(place);
  struct stat source = {};
  if (!entry || stat(entry->source.c_str(), &source) != 0 || !S_ISBLK(source.st_mode))
    return std::nullopt;
  return source.st_rdev;
}

absl::Status RemovePlace(const std::string& place) {
  if (rmdir(place.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return Failed("remove the directory", place);
}

absl::Status SetOwner(const std::string& data, const VolumeOptions& options) {
  if (chown(data.c_str(), options.uid, options.gid) != 0 ||
      chmod(data.c_str(), options.permission_bits()) != 0)
    return Failed("set owner and permissions of", data);
  return absl::OkStatus();
}

absl::Status MountFolder(const Attachment& attachment) {
  const std::string& place = attachment.place;
  const std::string data = DataIn(place);
  if (mount(attachment.folder.c_str(), place.c_str(), "tmpfs", kFolderFlags, kFolderOptions) != 0)
    return Failed("mount a folder on", place);
  if (!Descriptor(open(data.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ||
      mount(attachment.node.c_str(), data.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return Failed("show the data file at", data);
  RETURN_IF_ERROR(SetOwner(data, attachment.options));
  if (attachment.options.read_only &&
      mount(nullptr, data.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
    return Failed("make read-only", data);
  // Last: no name can be added to the folder from here on.
  if (mount(nullptr, place.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | kFolderFlags,
            kFolderOptions) != 0)
    return Failed("make read-only", place);
  return absl::OkStatus();
}

}  // namespace

std::string FolderName(const std::string& uuid) { return "nvdimmfs-volume-" + uuid; }

absl::Status Attach(const Attachment& attachment) {
  if (mkdir(attachment.place.c_str(), 0700) != 0 && errno != EEXIST)
    return Failed("make", attachment.place);
  const absl::Status status =
      attachment.fstype.empty() ? MountFolder(attachment) : MountFileSystem(attachment);
  if (!status.ok()) Detach(attachment.place).IgnoreError();
  return status;
}

absl::Status Detach(const std::string& place) {
  if (IsFolder(place)) RETURN_IF_ERROR(UnmountTree(DataIn(place)));
  RETURN_IF_ERROR(UnmountTree(place));
  return RemovePlace(place);
}

absl::Status DetachIdle(const std::string& place, absl::Duration patience) {
  if (IsFolder(place)) RETURN_IF_ERROR(UnmountIdle(DataIn(place), patience));
  RETURN_IF_ERROR(UnmountIdle(place, patience));
  return RemovePlace(place);
}

bool IsAttached(const Attachment& attachment) {
  const std::string& place = attachment.place;
  struct statvfs whole = {};
  if (!DeviceAt(place) || statvfs(place.c_str(), &whole) != 0) return false;
  if (!attachment.fstype.empty()) {
    const auto source = SourceAt(place);
    return source && posix::LoopDevice::IsOver(*source, attachment.node);
  }
  struct stat data = {}, node = {};
  return (whole.f_flag & ST_RDONLY) != 0 && stat(attachment.node.c_str(), &node) == 0 &&
         stat(DataIn(place).c_str(), &data) == 0 && data.st_dev == node.st_dev &&
         data.st_ino == node.st_ino;
}

absl::Status AwaitRelease(const std::string& node, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  std::optional<std::string> loop;
  while ((loop = posix::LoopDevice::Find(node)).has_value() && absl::Now() < end)
    absl::SleepFor(kPause);
  if (!loop) return absl::OkStatus();
  return core::Refusal(
      EBUSY, "volume.held",
      absl::StrCat("its file system is still mounted somewhere (", *loop,
                   "), by a running container or a process in another mount namespace; find it "
                   "with: grep -l ",
                   *loop, " /proc/[0-9]*/mounts"));
}

}  // namespace nvdimmfs::volumes
