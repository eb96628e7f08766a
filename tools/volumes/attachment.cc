#include "tools/volumes/attachment.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "tools/volumes/descriptor.h"
#include "tools/volumes/loop_device.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(10);

// Room for the mount point of the data file and for nothing else.
constexpr char kFolderOptions[] = "size=4k,nr_inodes=2,mode=0755";
constexpr unsigned long kFolderFlags = MS_NODEV | MS_NOSUID | MS_NOEXEC;

absl::Status Failed(absl::string_view what, absl::string_view on) {
  return core::Refusal(errno, "volume.mount", absl::StrCat(what, " ", on, ": ", strerror(errno)));
}

absl::Status MountFileSystem(const Attachment& attachment) {
  const bool read_only = attachment.options.read_only;
  unsigned long flags = MS_NODEV;
  if (read_only) flags |= MS_RDONLY;
  ASSIGN_OR_RETURN(const LoopDevice loop,
                   LoopDevice::Attach(attachment.node, attachment.sector_size, read_only));
  if (mount(loop.path().c_str(), attachment.place.c_str(), attachment.fstype.c_str(), flags,
            nullptr) != 0)
    return Failed(absl::StrCat("mount the ", attachment.fstype, " of"), attachment.node);
  return absl::OkStatus();
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
  const std::string data = absl::StrCat(place, "/", kDataName);
  if (mount("nvdimmfs-volume", place.c_str(), "tmpfs", kFolderFlags, kFolderOptions) != 0)
    return Failed("mount a folder on", place);
  if (!Descriptor(open(data.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ||
      mount(attachment.node.c_str(), data.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return Failed("show the data file at", data);
  RETURN_IF_ERROR(SetOwner(data, attachment.options));
  if (attachment.options.read_only &&
      mount(nullptr, data.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
    return Failed("make read-only", data);
  // Last: from here on the folder takes nothing else.
  if (mount(nullptr, place.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | kFolderFlags,
            kFolderOptions) != 0)
    return Failed("make read-only", place);
  return absl::OkStatus();
}

}  // namespace

absl::Status Attach(const Attachment& attachment) {
  if (mkdir(attachment.place.c_str(), 0700) != 0 && errno != EEXIST)
    return Failed("make", attachment.place);
  const absl::Status status =
      attachment.fstype.empty() ? MountFolder(attachment) : MountFileSystem(attachment);
  if (!status.ok()) Detach(attachment.place).IgnoreError();
  return status;
}

absl::Status Detach(const std::string& place) {
  RETURN_IF_ERROR(UnmountTree(place));
  return RemovePlace(place);
}

absl::Status DetachIdle(const std::string& place, absl::Duration patience) {
  RETURN_IF_ERROR(UnmountIdle(place, patience));
  return RemovePlace(place);
}

bool IsAttached(const Attachment& attachment) {
  const std::string& place = attachment.place;
  struct statvfs whole = {};
  const std::optional<MountEntry> entry = MountAt(place);
  if (!entry || statvfs(place.c_str(), &whole) != 0) return false;
  if (!attachment.fstype.empty()) return LoopDevice::IsOver(entry->source, attachment.node);
  struct stat data = {}, node = {};
  return (whole.f_flag & ST_RDONLY) != 0 && stat(attachment.node.c_str(), &node) == 0 &&
         stat(absl::StrCat(place, "/", kDataName).c_str(), &data) == 0 &&
         data.st_dev == node.st_dev && data.st_ino == node.st_ino;
}

absl::Status AwaitRelease(const std::string& node, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  std::optional<std::string> loop;
  while ((loop = LoopDevice::Find(node)).has_value() && absl::Now() < end) absl::SleepFor(kPause);
  if (!loop) return absl::OkStatus();
  return core::Refusal(
      EBUSY, "volume.held",
      absl::StrCat("its file system is still mounted somewhere (", *loop,
                   "): a container that was left running, or a process in another mount "
                   "namespace; find it with: grep -l ",
                   *loop, " /proc/[0-9]*/mounts"));
}

}  // namespace nvdimmfs::volumes
