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

absl::Status Failed(absl::string_view what, int error) {
  return core::Refusal(error, "shell.block", absl::StrCat("shell: ", what, ": ", strerror(error)));
}

}  // namespace

absl::Status AttachLoop(int control, uint32_t index, int file, const std::string& node,
                        bool read_only, uint32_t block_size) {
  if (ioctl(control, LOOP_CTL_ADD, index) < 0 && errno != EEXIST)
    return Failed(absl::StrCat("make loop device ", index), errno);
  const int device = open(node.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (device < 0) return Failed(absl::StrCat("open loop device ", index), errno);
  loop_config config = {};
  config.fd = static_cast<uint32_t>(file);
  config.block_size = block_size;
  // Direct: what cannot be read must not come from a cache in between.
  config.info.lo_flags = LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;
  if (read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  const int error = ioctl(device, LOOP_CONFIGURE, &config) == 0 ? 0 : errno;
  close(device);
  return error == 0 ? absl::OkStatus() : Failed(absl::StrCat("attach loop device ", index), error);
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

void RemoveLoop(int control, uint32_t index) { ioctl(control, LOOP_CTL_REMOVE, index); }

}  // namespace nvdimmfs::tools
