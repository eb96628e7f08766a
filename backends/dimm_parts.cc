// SPDX-License-Identifier: Apache-2.0
#include "backends/dimm_parts.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/image_layout.h"
#include "backends/pmem2_media.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

// Two index blocks and the fewest labels of the smaller format.
constexpr uint64_t kMinLabelFile = 2 * core::kIndexUnit + core::kMinSlots * core::kLabelSizeV1_1;

absl::StatusOr<ImageLayout> Divide(const std::shared_ptr<core::Media>& whole,
                                   const LabelPlace& labels, const std::string& name) {
  LayoutWish wish{.label_size = labels.size, .hide_labels = labels.hide_labels};
  if (!labels.file.empty()) {
    wish.label_size = 0;
    return DivideImage(whole, wish, name);
  }
  if (labels.tail && labels.size) RETURN_IF_ERROR(CheckLabelTail(whole, *labels.size, name));
  ASSIGN_OR_RETURN(ImageLayout layout, DivideImage(whole, wish, name));
  if (!labels.tail || !layout.labels.empty()) return layout;
  wish.label_size = labels.size.value_or(kMinLabelArea);
  return DivideImage(whole, wish, name);
}

// Label updates must not wait for all data that was written to the image. Null if there is no
// separate flush.
std::function<absl::Status()> FlushOf(const std::shared_ptr<core::Media>& whole,
                                      const core::Range& part) {
  auto* const mapped = dynamic_cast<Pmem2Media*>(whole.get());
  if (mapped == nullptr) return nullptr;
  return [mapped, part] { return mapped->FlushPart(part.start, part.size); };
}

}  // namespace

absl::StatusOr<core::DimmSource> DimmOf(const std::shared_ptr<core::Media>& whole, uint32_t slot,
                                        const LabelPlace& labels, const FileOptions& file,
                                        const std::string& name) {
  if (!labels.file.empty() && labels.size)
    return core::Refusal(
        EINVAL, "image.label_file",
        absl::StrCat("open ", name, ": a label size cannot be combined with the label file ",
                     labels.file, ", which as a whole is the label area"));
  ASSIGN_OR_RETURN(ImageLayout layout, Divide(whole, labels, name));
  core::DimmSource source;
  source.description = name;
  source.read_only = whole->read_only();
  source.identity = QemuIdentity(slot);
  source.findings = std::move(layout.findings);
  ASSIGN_OR_RETURN(source.capacity, core::MediaSlice::Make(whole, layout.data));
  if (!labels.file.empty()) {
    FileOptions label_file = file;
    label_file.min_size = kMinLabelFile;
    ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> area,
                     MapWholeStore(labels.file, label_file));
    ASSIGN_OR_RETURN(source.labels,
                     core::MediaSlice::Make(area, {0, std::min(area->size(), kMaxLabelArea)}));
    source.label_file = labels.file;
  } else if (!layout.labels.empty()) {
    ASSIGN_OR_RETURN(source.labels,
                     core::MediaSlice::Make(whole, layout.labels, FlushOf(whole, layout.labels)));
    source.label_offset = layout.labels.start;
  }
  return source;
}

}  // namespace nvdimmfs::backends
