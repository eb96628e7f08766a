#include "backends/image_backend.h"

#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "backends/whole_file.h"
#include "core/base/status.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

absl::StatusOr<core::DimmSource> OpenImage(const std::string& path, uint32_t slot,
                                           const ImageOptions& options) {
  const FileOptions file{
      .read_only = options.read_only, .force = options.force, .durability = options.durability};
  // One mapping for data and labels: they share the queue of the one fdatasync.
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> whole, MapWholeFile(path, file));
  return DimmOf(whole, slot, {.size = options.label_size, .file = options.labels}, file, path);
}

}  // namespace nvdimmfs::backends
