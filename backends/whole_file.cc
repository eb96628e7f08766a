#include "backends/whole_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "backends/descriptor.h"
#include "backends/image_layout.h"
#include "backends/image_lock.h"
#include "backends/machine_badblocks.h"
#include "backends/open_source.h"
#include "backends/sysfs_folder.h"
#include "backends/true_size.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

namespace {

absl::StatusOr<std::shared_ptr<Pmem2Media>> MapWhole(const std::string& path, NodeKind kind,
                                                     const FileOptions& options) {
  ASSIGN_OR_RETURN(const Descriptor file, OpenNode(path, kind, options.read_only));
  if (!(options.read_only && options.force)) {
    RETURN_IF_ERROR(LockImage(file.get(), path, options.read_only));
  }
  off_t size = lseek(file.get(), 0, SEEK_END);
  if (size > 0 && kind == NodeKind::kRegular)
    size = static_cast<off_t>(TrueSizeOf(file.get(), path, static_cast<uint64_t>(size)));
  if (size < 0)
    return core::Refusal(errno, "image.open",
                         absl::StrCat("size of ", path, ": ", strerror(errno)));
  if (size < static_cast<off_t>(kImagePage))
    return core::Refusal(
        EINVAL, "image.size",
        absl::StrCat("open ", path, ": ", size,
                     " bytes are no DIMM and no label area; the least is a page of ", kImagePage));
  ASSIGN_OR_RETURN(const std::shared_ptr<Pmem2Media> media,
                   Pmem2Media::Map(file.get(), {.length = static_cast<uint64_t>(size),
                                                .read_only = options.read_only,
                                                .name = path,
                                                .durability = options.durability}));
  const auto disk = kind == NodeKind::kBlock ? SysfsFolder::OfNode(file.get()) : std::nullopt;
  if (disk) TakeDiskBadblocks(*disk, *media);
  return media;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Pmem2Media>> MapWholeFile(const std::string& path,
                                                         const FileOptions& options) {
  return MapWhole(path, NodeKind::kRegular, options);
}

absl::StatusOr<std::shared_ptr<Pmem2Media>> MapWholeDisk(const std::string& path,
                                                         const FileOptions& options) {
  return MapWhole(path, NodeKind::kBlock, options);
}

}  // namespace nvdimmfs::backends
