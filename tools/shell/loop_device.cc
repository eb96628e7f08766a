#include "tools/shell/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

// Others take free loop devices too.
constexpr int kTries = 64;

absl::Status Failed(absl::string_view what, int error) {
  return core::Refusal(error, "shell.block", absl::StrCat("shell: ", what, ": ", strerror(error)));
}

// Whether it is ours now; EBUSY where somebody else was quicker.
int Configure(const std::string& node, int file, bool read_only, uint32_t block_size) {
  const int device = open(node.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (device < 0) return errno;
  loop_config config = {};
  config.fd = static_cast<uint32_t>(file);
  config.block_size = block_size;
  // Direct: what cannot be read must not come from a cache in between.
  config.info.lo_flags = LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;
  if (read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  const int error = ioctl(device, LOOP_CONFIGURE, &config) == 0 ? 0 : errno;
  close(device);
  return error;
}

}  // namespace

absl::StatusOr<int> AttachLoop(int control, int file, const std::string& node, bool read_only,
                               uint32_t block_size) {
  int error = EBUSY;
  for (int i = 0; i < kTries && error == EBUSY; ++i) {
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) return Failed("find a free loop device", errno);
    unlink(node.c_str());
    if (mknod(node.c_str(), S_IFBLK | 0600, makedev(kLoopMajor, static_cast<unsigned>(number))) !=
        0)
      return Failed(absl::StrCat("make ", node), errno);
    error = Configure(node, file, read_only, block_size);
    if (error == 0) return number;
  }
  unlink(node.c_str());
  return Failed("attach a loop device", error);
}

absl::StatusOr<LoopBacking> BackingOf(const std::string& node) {
  const int device = open(node.c_str(), O_RDONLY | O_CLOEXEC);
  if (device < 0) return Failed(absl::StrCat("open ", node), errno);
  loop_info64 info = {};
  const int error = ioctl(device, LOOP_GET_STATUS64, &info) == 0 ? 0 : errno;
  close(device);
  if (error != 0) return Failed(absl::StrCat("ask ", node), error);
  return LoopBacking{info.lo_device, info.lo_inode, info.lo_rdevice != 0};
}

bool IsLost(const std::string& node) {
  const absl::StatusOr<LoopBacking> backing = BackingOf(node);
  if (backing.ok() && backing->is_block_device) return false;
  const int device = open(node.c_str(), O_RDONLY | O_CLOEXEC);
  if (device < 0) return false;
  const bool lost = fsync(device) != 0 && errno == EIO;
  close(device);
  return lost;
}

void DetachLoop(const std::string& node) {
  const int device = open(node.c_str(), O_RDONLY | O_CLOEXEC);
  if (device < 0) return;
  ioctl(device, LOOP_CLR_FD, 0);
  close(device);
}

}  // namespace nvdimmfs::tools
