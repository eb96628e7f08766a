// SPDX-License-Identifier: Apache-2.0
#include "backends/image_backend.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/file_reader.h"
#include "backends/image_layout.h"
#include "backends/label_search.h"
#include "backends/posix/descriptor.h"
#include "backends/whole_file.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_area.h"
#include "core/media/media.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

bool IsDevice(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

// The part of the file that is the image.
absl::StatusOr<std::shared_ptr<core::Media>> Part(const std::shared_ptr<core::Media>& whole,
                                                  uint64_t size, const std::string& path) {
  if (size % kImagePage != 0 || size == 0)
    return core::Refusal(EINVAL, "image.size",
                         absl::StrCat("open ", path, " with size=", size,
                                      ": needs a positive multiple of ", kImagePage));
  if (size > whole->size())
    return core::Refusal(
        EINVAL, "image.size",
        absl::StrCat("open ", path, " with size=", size, ": the file has ", whole->size(),
                     " bytes. Where it was cut, truncate -s ", size, " makes it as long again"));
  return core::MediaSlice::Make(whole, {0, size});
}

// Findings for the first `size` bytes of `path`; none if it cannot be opened again.
std::vector<core::Finding> Displaced(const std::string& path, uint64_t size, SearchEffort effort) {
  // Do not change the access time, if the kernel allows that.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  posix::Descriptor file(open(path.c_str(), kFlags | O_NOATIME));
  if (file.get() < 0) file = posix::Descriptor(open(path.c_str(), kFlags));
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || S_ISCHR(status.st_mode)) return {};
  const auto reader = FileReader::Open(file.get(), size, path);
  if (!reader.ok()) return {};
  std::vector<core::Finding> findings;
  for (const core::Range& area : FindDisplacedLabels(**reader, effort))
    findings.push_back(DescribeDisplaced(**reader, area, path, IsDevice(path)));
  return findings;
}

// The label area of a slightly extended file is larger than its index states. It is readable here,
// but not by a guest.
void TellLongerArea(const std::string& path, core::DimmSource& dimm) {
  const auto area = core::LabelArea::Open(dimm.labels);
  if (!area.ok()) return;
  const uint64_t described = core::RoundUp(area->slot_offset(area->slot_count()), kImagePage);
  if (described >= dimm.labels->size() || described < kMinLabelArea) return;
  dimm.findings.push_back(
      {kDisplaced, dimm.label_offset,
       absl::StrCat(
           "the label area has ", dimm.labels->size(), " bytes, but was made for ", described,
           ": the file was made longer, and a guest with label-size=", described,
           " finds no labels. Cut it: truncate -s ", dimm.label_offset + described, " ",
           core::ShellWord(path), ", or give the guest label-size=", dimm.labels->size())});
}

bool HasIndex(const core::DimmSource& dimm) {
  return dimm.labels != nullptr && core::HasLabelIndex(*dimm.labels);
}

}  // namespace

std::vector<core::Finding> FindLabelsElsewhere(const core::DimmSource& dimm) {
  const auto is_known = [](const core::Finding& finding) { return finding.reason == kDisplaced; };
  if (HasIndex(dimm) || !dimm.label_file.empty() ||
      std::any_of(dimm.findings.begin(), dimm.findings.end(), is_known))
    return {};
  const uint64_t size =
      dimm.labels == nullptr ? dimm.capacity->size() : dimm.label_offset + dimm.labels->size();
  return Displaced(dimm.description, size, SearchEffort::kThorough);
}

absl::StatusOr<core::DimmSource> OpenImage(const std::string& path, uint32_t slot,
                                           const ImageOptions& options) {
  FileOptions file{
      .read_only = options.read_only, .force = options.force, .durability = options.durability};
  file.check_format = !options.raw;
  // One mapping for data and labels, so they share one queue for fdatasync.
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> image, MapWholeStore(path, file));
  file.check_format = false;
  if (options.size) {
    ASSIGN_OR_RETURN(image, Part(image, *options.size, path));
  }
  LabelPlace labels{.size = options.label_size, .file = options.labels};
  labels.hide_labels = options.hide_labels;
  ASSIGN_OR_RETURN(core::DimmSource dimm, DimmOf(image, slot, labels, file, path));
  if (!options.labels.empty() || options.hide_labels) return dimm;
  if (HasIndex(dimm)) {
    if (!options.label_size) TellLongerArea(path, dimm);
    return dimm;
  }
  const std::vector<core::Finding> found = Displaced(path, image->size(), SearchEffort::kQuick);
  if (!found.empty() && !options.read_only)
    return core::Refusal(EINVAL, found[0].reason,
                         absl::StrCat("open ", path, " for writing: ", found[0].sentence));
  dimm.findings.insert(dimm.findings.end(), found.begin(), found.end());
  return dimm;
}

}  // namespace nvdimmfs::backends
