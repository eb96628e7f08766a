// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/file_system.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "core/base/status.h"
#include "tools/volumes/command.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

// The smallest size that mkfs accepts.
struct Smallest {
  const char* fstype;
  uint64_t bytes;
};
constexpr Smallest kSmallest[] = {{"ext4", 256 << 10}, {"xfs", 300 << 20}};

constexpr uint64_t kMib = 1 << 20;
constexpr uint64_t kUsualAlign = 16 * kMib;

// Size in MiB of a namespace with room for `bytes` after a BTT or an info block.
uint64_t SizeFor(uint64_t bytes) {
  const uint64_t size = bytes + bytes / 32 + 2 * kMib;
  return (size + kUsualAlign - 1) / kUsualAlign * (kUsualAlign / kMib);
}

}  // namespace

absl::Status CheckFileSystemFits(uint64_t capacity, const VolumeOptions& options) {
  for (const Smallest& smallest : kSmallest)
    if (options.fstype == smallest.fstype && capacity < smallest.bytes)
      return core::Refusal(EINVAL, "volume.size",
                           absl::StrCat("size=", options.size, " leaves ", capacity,
                                        " bytes for the file system; ", smallest.fstype, " needs ",
                                        smallest.bytes, ": give size=", SizeFor(smallest.bytes),
                                        "M", options.fstype == "ext4" ? "" : ", or fstype=ext4"));
  return absl::OkStatus();
}

absl::Status MakeFileSystem(const std::string& device, const VolumeOptions& options) {
  // -K and nodiscard: the space was just allocated, so there is nothing to discard.
  if (options.fstype == "xfs")
    return RunCommand({"mkfs.xfs", "-q", "-f", "-K", device}, Fate::kDiesWithUs);
  // Page-sized blocks: otherwise -o dax would fail.
  return RunCommand({"mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "nodiscard", device},
                    Fate::kDiesWithUs);
}

std::string FindFileSystem(const std::string& path) {
  const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(
      blkid_new_probe_from_filename(path.c_str()), blkid_free_probe);
  if (probe == nullptr) return "";
  blkid_probe_enable_partitions(probe.get(), 0);
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
  blkid_probe_filter_superblocks_usage(probe.get(), BLKID_FLTR_ONLYIN, BLKID_USAGE_FILESYSTEM);
  const char* type = nullptr;
  if (blkid_do_safeprobe(probe.get()) != 0 ||
      blkid_probe_lookup_value(probe.get(), "TYPE", &type, nullptr) != 0)
    return "";
  return type;
}

absl::Status FurnishFileSystem(const std::string& top, const VolumeOptions& options) {
  const Descriptor directory(open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) unlinkat(directory.get(), "lost+found", AT_REMOVEDIR);
  if (!directory || fchown(directory.get(), options.uid, options.gid) != 0 ||
      fchmod(directory.get(), options.permission_bits()) != 0 || syncfs(directory.get()) != 0)
    return core::Refusal(errno, "volume.owner",
                         absl::StrCat("set owner and permissions of ", top, ": ", strerror(errno)));
  return absl::OkStatus();
}

}  // namespace nvdimmfs::volumes
