#include "tools/volumes/loop_device.h"

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

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/descriptor.h"
#include "core/base/status.h"
#include "tools/volumes/small_file.h"

namespace nvdimmfs::volumes {
namespace {

using backends::Descriptor;

constexpr char kPrefix[] = "/dev/loop";
constexpr int kAttempts = 64;  // others take free devices, too

absl::Status Failed(absl::string_view what, int error) {
  return core::Refusal(error, "loop.device", absl::StrCat(what, ": ", strerror(error)));
}

absl::StatusOr<std::string> FreeDevice() {
  const Descriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  const int number = control ? ioctl(control.get(), LOOP_CTL_GET_FREE) : -1;
  if (number < 0) return Failed("ask /dev/loop-control for a free loop device", errno);
  return absl::StrCat(kPrefix, number);
}

Descriptor OpenIfOver(const std::string& path, const struct stat& file) {
  Descriptor device(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  loop_info64 info = {};
  if (!device || ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0 ||
      info.lo_device != file.st_dev || info.lo_inode != file.st_ino)
    return Descriptor();
  return device;
}

// "/dev/loop3"; "" where it is no loop device.
std::string NodeOf(dev_t device) {
  std::error_code error;
  const std::filesystem::path link = std::filesystem::read_symlink(
      absl::StrCat("/sys/dev/block/", major(device), ":", minor(device)), error);
  const std::string path = "/dev/" + link.filename().string();
  return !error && absl::StartsWith(path, kPrefix) ? path : "";
}

bool IsReadOnly(int device) {
  loop_info64 info = {};
  return ioctl(device, LOOP_GET_STATUS64, &info) == 0 && (info.lo_flags & LO_FLAGS_READ_ONLY) != 0;
}

}  // namespace

bool LoopDevice::IsOver(dev_t device, const std::string& file) {
  struct stat wanted = {};
  const std::string path = NodeOf(device);
  return !path.empty() && stat(file.c_str(), &wanted) == 0 && OpenIfOver(path, wanted);
}

std::optional<LoopDevice> LoopDevice::Reuse(const std::string& file) {
  struct stat wanted = {};
  if (stat(file.c_str(), &wanted) != 0) return std::nullopt;
  for (const std::string& name : ReadFolder("/sys/block").value_or(std::vector<std::string>())) {
    // Those that are not bound have no such directory.
    if (!absl::StartsWith(name, "loop") ||
        access(absl::StrCat("/sys/block/", name, "/loop").c_str(), F_OK) != 0)
      continue;
    const std::string path = "/dev/" + name;
    if (Descriptor device = OpenIfOver(path, wanted)) return LoopDevice(path, std::move(device));
  }
  return std::nullopt;
}

std::optional<std::string> LoopDevice::Find(const std::string& file) {
  const std::optional<LoopDevice> found = Reuse(file);
  if (!found) return std::nullopt;
  return found->path();
}

absl::StatusOr<LoopDevice> LoopDevice::Attach(const std::string& file, uint32_t sector_size,
                                              bool read_only, bool is_held) {
  if (std::optional<LoopDevice> found = is_held ? Reuse(file) : std::nullopt) {
    if (IsReadOnly(found->device_.get()) == read_only) return *std::move(found);
    return core::Refusal(EBUSY, "loop.device",
                         absl::StrCat(found->path(), " is already attached to ", file,
                                      " with the opposite read-only setting"));
  }
  const int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
  // Past the page cache of the file, which the device's own would double; where it can be.
  Descriptor backing(open(file.c_str(), flags | O_DIRECT));
  const bool direct = static_cast<bool>(backing);
  if (!direct) backing = Descriptor(open(file.c_str(), flags));
  if (!backing) return Failed("open " + file, errno);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const std::string path, FreeDevice());
    Descriptor device(open(path.c_str(), flags));
    if (!device) return Failed("open " + path, errno);
    loop_config config = {};
    config.fd = static_cast<uint32_t>(backing.get());
    config.block_size = sector_size;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
    if (direct) config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
    if (ioctl(device.get(), LOOP_CONFIGURE, &config) == 0)
      return LoopDevice(path, std::move(device));
    if (errno != EBUSY) return Failed(absl::StrCat("put ", path, " on ", file), errno);
  }
  return Failed("find a loop device that stays free", EBUSY);
}

}  // namespace nvdimmfs::volumes
