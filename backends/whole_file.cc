// SPDX-License-Identifier: Apache-2.0
#include "backends/whole_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/file_reader.h"
#include "backends/foreign_format.h"
#include "backends/image_lock.h"
#include "backends/image_watch.h"
#include "backends/machine_badblocks.h"
#include "backends/open_source.h"
#include "backends/posix/descriptor.h"
#include "backends/sysfs_folder.h"
#include "backends/true_size.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

namespace {

absl::StatusOr<std::shared_ptr<core::Media>> MapFile(int fd, uint64_t size, const std::string& path,
                                                     const FileOptions& options) {
  absl::StatusOr<std::shared_ptr<core::Media>> media =
      Pmem2Media::Map(fd, {.length = size,
                           .read_only = options.read_only,
                           .name = path,
                           .durability = options.durability});
  if (media.ok()) return media;
  if (options.read_only) return FileReader::Open(fd, size, path);
  const int error = core::ErrnoOf(media.status());
  if (error != ENODEV && error != EINVAL) return media;
  return core::Refusal(
      error, "media.map",
      absl::StrCat(
          "map ", path, ": ", strerror(error),
          ". Its file system cannot map files shared (FUSE with direct_io, 9p), and writing needs "
          "that: copy the file to another one, or look at it read-only: add ,ro to the SOURCE"));
}

absl::StatusOr<std::shared_ptr<core::Media>> MapWhole(const std::string& path, NodeKind kind,
                                                      const FileOptions& options) {
  ASSIGN_OR_RETURN(const posix::Descriptor file, OpenNode(path, kind, options.read_only));
  if (!(options.read_only && options.force)) {
    RETURN_IF_ERROR(LockImage(file.get(), path, options.read_only));
  }
  off_t size = lseek(file.get(), 0, SEEK_END);
  if (size > 0 && kind == NodeKind::kRegular)
    size = static_cast<off_t>(TrueSizeOf(file.get(), path, static_cast<uint64_t>(size)));
  if (size < 0)
    return core::Refusal(errno, "image.open",
                         absl::StrCat("size of ", path, ": ", strerror(errno)));
  const absl::Status format =
      options.check_format ? CheckFormat(file.get(), path) : absl::OkStatus();
  if (static_cast<uint64_t>(size) < options.min_size) {
    RETURN_IF_ERROR(format);
    return core::Refusal(EINVAL, "image.size",
                         absl::StrCat("open ", path, ": ", size,
                                      " bytes are too small for a DIMM image or label area; "
                                      "minimum ",
                                      options.min_size, " bytes"));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> media,
                   MapFile(file.get(), static_cast<uint64_t>(size), path, options));
  // A file with labels at its end is an image, whatever its first namespace begins with.
  if (!format.ok() && !HasLabelsAtEnd(media)) return format;
  const auto disk = kind == NodeKind::kBlock ? SysfsFolder::OfNode(file.get()) : std::nullopt;
  if (disk) TakeDiskBadblocks(*disk, *media);
  struct Held {
    std::shared_ptr<core::Media> media;
    std::shared_ptr<ImageWatch> watch;
  };
  core::Media* const shown = media.get();
  auto held = std::make_shared<Held>(Held{std::move(media), ImageWatch::Begin(file.get(), path)});
  return std::shared_ptr<core::Media>(std::move(held), shown);
}

}  // namespace

absl::StatusOr<std::shared_ptr<core::Media>> MapWholeFile(const std::string& path,
                                                          const FileOptions& options) {
  return MapWhole(path, NodeKind::kRegular, options);
}

absl::StatusOr<std::shared_ptr<core::Media>> MapWholeDisk(const std::string& path,
                                                          const FileOptions& options) {
  return MapWhole(path, NodeKind::kBlock, options);
}

absl::StatusOr<std::shared_ptr<core::Media>> MapWholeStore(const std::string& path,
                                                           const FileOptions& options) {
  struct stat status;
  const bool is_disk = stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
  return is_disk ? MapWholeDisk(path, options) : MapWholeFile(path, options);
}

}  // namespace nvdimmfs::backends
