// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"

namespace nvdimmfs::posix {
namespace {

constexpr char kPrefix[] = "/dev/loop";
constexpr int kAttempts = 64;  // other programs take free devices, too

absl::Status Failed(absl::string_view what, int error) {
  return core::Refusal(error, "loop.device", absl::StrCat(what, ": ", strerror(error)));
}

absl::StatusOr<std::string> FreeDevice() {
  const Descriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  const int number = control ? ioctl(control.get(), LOOP_CTL_GET_FREE) : -1;
  if (number < 0) return Failed("ask /dev/loop-control for a free loop device", errno);
  return absl::StrCat(kPrefix, number);
}

std::optional<LoopDevice> OpenIfOver(const std::string& path, const struct stat& file) {
  absl::StatusOr<LoopDevice> device = LoopDevice::Open(path);
  if (!device.ok()) return std::nullopt;
  const absl::StatusOr<LoopBacking> backing = device->Backing();
  if (!backing.ok() || backing->device != file.st_dev || backing->inode != file.st_ino)
    return std::nullopt;
  return *std::move(device);
}

// "/dev/loop3"; "" if it is not a loop device.
std::string NodeOf(dev_t device) {
  std::error_code error;
  const std::filesystem::path link = std::filesystem::read_symlink(
      absl::StrCat("/sys/dev/block/", major(device), ":", minor(device)), error);
  const std::string path = "/dev/" + link.filename().string();
  return !error && absl::StartsWith(path, kPrefix) ? path : "";
}

}  // namespace

std::optional<uint32_t> LoopIndexOf(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "loop")) return std::nullopt;
  size_t digits = 0;
  while (digits < name.size() && absl::ascii_isdigit(name[digits])) ++digits;
  uint32_t index;
  if (digits < name.size() && name[digits] != 'p') return std::nullopt;
  if (!absl::SimpleAtoi(name.substr(0, digits), &index)) return std::nullopt;
  return index;
}

int AddLoop(int control, uint32_t index) {
  return ioctl(control, LOOP_CTL_ADD, index) >= 0 ? 0 : errno;
}

int RemoveLoop(int control, uint32_t index) {
  return ioctl(control, LOOP_CTL_REMOVE, index) >= 0 ? 0 : errno;
}

absl::StatusOr<LoopDevice> LoopDevice::Open(const std::string& node, bool read_only) {
  Descriptor device(open(node.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!device) return Failed("open " + node, errno);
  return LoopDevice(node, std::move(device));
}

absl::StatusOr<LoopBacking> LoopDevice::Backing() const {
  loop_info64 info = {};
  if (ioctl(device_.get(), LOOP_GET_STATUS64, &info) != 0) return Failed("ask " + path_, errno);
  return LoopBacking{.device = info.lo_device,
                     .inode = info.lo_inode,
                     .is_block_device = info.lo_rdevice != 0,
                     .read_only = (info.lo_flags & LO_FLAGS_READ_ONLY) != 0};
}

absl::Status LoopDevice::Configure(int file, const LoopSettings& settings) const {
  loop_config config = {};
  config.fd = static_cast<uint32_t>(file);
  config.block_size = settings.sector_size;
  if (settings.read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  if (settings.direct) config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
  if (settings.partitions) config.info.lo_flags |= LO_FLAGS_PARTSCAN;
  if (settings.autoclear) config.info.lo_flags |= LO_FLAGS_AUTOCLEAR;
  if (ioctl(device_.get(), LOOP_CONFIGURE, &config) == 0) return absl::OkStatus();
  return Failed("attach " + path_, errno);
}

bool LoopDevice::IsLost() const {
  const absl::StatusOr<LoopBacking> backing = Backing();
  if (backing.ok() && backing->is_block_device) return false;
  return fsync(device_.get()) != 0 && errno == EIO;
}

void LoopDevice::Detach() const { ioctl(device_.get(), LOOP_CLR_FD, 0); }

bool LoopDevice::IsOver(dev_t device, const std::string& file) {
  struct stat wanted = {};
  const std::string path = NodeOf(device);
  return !path.empty() && stat(file.c_str(), &wanted) == 0 && OpenIfOver(path, wanted).has_value();
}

std::optional<LoopDevice> LoopDevice::Existing(const std::string& file) {
  struct stat wanted = {};
  if (stat(file.c_str(), &wanted) != 0) return std::nullopt;
  for (const std::string& name : ReadFolder("/sys/block").value_or(std::vector<std::string>())) {
    // A device with nothing attached has no such directory.
    if (!absl::StartsWith(name, "loop") ||
        access(absl::StrCat("/sys/block/", name, "/loop").c_str(), F_OK) != 0)
      continue;
    if (std::optional<LoopDevice> device = OpenIfOver("/dev/" + name, wanted)) return device;
  }
  return std::nullopt;
}

std::optional<std::string> LoopDevice::Find(const std::string& file) {
  const std::optional<LoopDevice> found = Existing(file);
  if (!found) return std::nullopt;
  return found->path();
}

absl::StatusOr<LoopDevice> LoopDevice::Attach(const std::string& file, uint32_t sector_size,
                                              bool read_only, bool is_held) {
  if (std::optional<LoopDevice> found = is_held ? Existing(file) : std::nullopt) {
    const absl::StatusOr<LoopBacking> backing = found->Backing();
    if ((backing.ok() && backing->read_only) == read_only) return *std::move(found);
    return core::Refusal(EBUSY, "loop.device",
                         absl::StrCat(found->path(), " is already attached to ", file,
                                      " with the opposite read-only setting"));
  }
  const int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
  // O_DIRECT: otherwise the file's page cache would duplicate the device's own.
  Descriptor backing(open(file.c_str(), flags | O_DIRECT));
  const bool direct = static_cast<bool>(backing);
  if (!direct) backing = Descriptor(open(file.c_str(), flags));
  if (!backing) return Failed("open " + file, errno);
  const LoopSettings settings = {
      .sector_size = sector_size, .read_only = read_only, .direct = direct, .autoclear = true};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const std::string path, FreeDevice());
    ASSIGN_OR_RETURN(LoopDevice device, Open(path, read_only));
    const absl::Status attached = device.Configure(backing.get(), settings);
    if (attached.ok()) return device;
    if (const int error = core::ErrnoOf(attached); error != EBUSY)
      return Failed(absl::StrCat("attach ", path, " to ", file), error);
  }
  return Failed("find a loop device that stays free", EBUSY);
}

}  // namespace nvdimmfs::posix
