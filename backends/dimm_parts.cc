#include "backends/dimm_parts.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/image_layout.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

absl::StatusOr<ImageLayout> Divide(const std::shared_ptr<core::Media>& whole,
                                   const LabelPlace& labels, const std::string& name) {
  if (!labels.file.empty()) return DivideImage(whole, 0, name);
  if (labels.tail && labels.size) RETURN_IF_ERROR(CheckLabelTail(whole, *labels.size, name));
  ASSIGN_OR_RETURN(ImageLayout layout, DivideImage(whole, labels.size, name));
  if (!labels.tail || !layout.labels.empty()) return layout;
  return DivideImage(whole, labels.size.value_or(kMinLabelArea), name);
}

}  // namespace

core::DimmIdentity QemuIdentity(uint32_t slot) {
  core::DimmIdentity identity;
  identity.handle = slot + 1;
  identity.vendor = 0x8086;
  identity.device = 1;
  identity.revision = 1;
  identity.serial = 0x123456 + slot;
  identity.interface_code = 0x0301;
  return identity;
}

absl::StatusOr<core::DimmSource> DimmOf(const std::shared_ptr<core::Media>& whole, uint32_t slot,
                                        const LabelPlace& labels, const FileOptions& file,
                                        const std::string& name) {
  if (!labels.file.empty() && labels.size)
    return core::Refusal(
        EINVAL, "image.label_size",
        absl::StrCat("open ", name, ": a label size is of no use beside the label file ",
                     labels.file, ", which is one label area as a whole"));
  ASSIGN_OR_RETURN(ImageLayout layout, Divide(whole, labels, name));
  core::DimmSource source;
  source.description = name;
  source.read_only = whole->read_only();
  source.identity = QemuIdentity(slot);
  source.findings = std::move(layout.findings);
  ASSIGN_OR_RETURN(source.capacity, core::MediaSlice::Make(whole, layout.data));
  if (!labels.file.empty()) {
    ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> area, MapWholeFile(labels.file, file));
    ASSIGN_OR_RETURN(source.labels,
                     core::MediaSlice::Make(area, {0, std::min(area->size(), kMaxLabelArea)}));
    source.label_file = labels.file;
  } else if (!layout.labels.empty()) {
    ASSIGN_OR_RETURN(source.labels, core::MediaSlice::Make(whole, layout.labels));
    source.label_offset = layout.labels.start;
  }
  return source;
}

}  // namespace nvdimmfs::backends
