#include "backends/image_layout.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/labels/label_signature.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

using core::Finding;
using core::RoundDown;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kFineCandidates = 2 * kMiB;  // up to here every page
constexpr uint64_t kLargestCandidate = 128 * kMiB;

// Sizes that a label area at the end of a file may have, ascending.
std::set<uint64_t> Candidates(uint64_t file_size) {
  std::set<uint64_t> sizes;
  for (uint64_t size = kMinLabelArea; size <= kFineCandidates; size += kImagePage)
    sizes.insert(size);
  for (uint64_t size = kMinLabelArea; size <= kLargestCandidate; size *= 2) sizes.insert(size);
  for (uint64_t size = file_size % kMiB; size <= kLargestCandidate; size += kMiB)
    if (size >= kMinLabelArea) sizes.insert(size);
  // At least one page of data stays.
  while (!sizes.empty() && *sizes.rbegin() + kImagePage > file_size) sizes.erase(*sizes.rbegin());
  return sizes;
}

// Looks for index blocks at the places of candidates. Most of these begin near the end of the file,
// page by page: that is read once, by the piece.
class IndexSearch {
 public:
  IndexSearch(const std::shared_ptr<core::Media>& file, uint64_t file_size)
      : file_(file), file_size_(file_size), read_from_(file_size) {
    ReadTail();
  }

  bool HasValidIndex(uint64_t size) const {
    const uint64_t start = file_size_ - size;
    const std::vector<uint64_t> offsets = core::LabelArea::IndexOffsets(size);
    if (std::none_of(offsets.begin(), offsets.end(),
                     [&](uint64_t offset) { return HasSignature(start + offset); }))
      return false;
    auto area = core::MediaSlice::Make(file_, {start, size});
    return area.ok() && core::LabelArea::HasIndex(**area);
  }
  bool HasSignature(uint64_t offset) const {
    if (offset < read_from_) return core::HasIndexSignature(*file_, offset);
    return std::binary_search(signatures_.rbegin(), signatures_.rend(), offset);
  }

 private:
  // Downwards, as far as it can be read.
  void ReadTail() {
    std::vector<std::byte> piece(kPiece);
    while (file_size_ - read_from_ < kFineCandidates && read_from_ >= kPiece) {
      const uint64_t start = read_from_ - kPiece;
      if (!file_->Peek(start, absl::MakeSpan(piece)).ok()) return;
      for (uint64_t at = kPiece; at != 0; at -= core::kIndexUnit)
        if (std::memcmp(piece.data() + at - core::kIndexUnit, core::kIndexSignature.data(),
                        core::kIndexSignature.size()) == 0)
          signatures_.push_back(start + at - core::kIndexUnit);
      read_from_ = start;
    }
  }

  static constexpr uint64_t kPiece = 64 * 1024;

  const std::shared_ptr<core::Media> file_;
  const uint64_t file_size_;
  uint64_t read_from_;                // what is behind is known
  std::vector<uint64_t> signatures_;  // there, descending
};

Finding Ambiguous(const std::string& name, uint64_t file_size, uint64_t taken, uint64_t other) {
  return {"image.labels.ambiguous", file_size - other,
          absl::StrCat(name, ": valid label index blocks ", taken, " and ", other,
                       " bytes before its end; the label area is taken to be the last ", taken,
                       " bytes. Say label_size=", other, " for the other")};
}

Finding Damaged(const std::string& name, uint64_t file_size, uint64_t size) {
  return {
      "image.labels.damaged", file_size - size,
      absl::StrCat(name, ": the index block ", size,
                   " bytes before its end is damaged; the label area is taken to begin there. Say "
                   "label_size=0 if that is data")};
}

// Rules 2 to 5.
uint64_t FindLabelSize(const std::shared_ptr<core::Media>& file, uint64_t file_size,
                       const std::string& name, std::vector<Finding>& findings) {
  const std::set<uint64_t> candidates = Candidates(file_size);
  const IndexSearch search(file, file_size);
  uint64_t found = 0;
  for (uint64_t size : candidates) {
    if (!search.HasValidIndex(size)) continue;
    if (found == 0) {
      found = size;
    } else {
      findings.push_back(Ambiguous(name, file_size, found, size));
      break;
    }
  }
  if (found != 0) return found;
  if (const uint64_t blank = BlankLabelSize(file_size); blank != 0) return blank;
  for (uint64_t size : candidates) {
    if (!search.HasSignature(file_size - size)) continue;
    findings.push_back(Damaged(name, file_size, size));
    return size;
  }
  return 0;
}

absl::StatusOr<uint64_t> CheckLabelSize(uint64_t label_size, uint64_t file_size,
                                        const std::string& name) {
  if (label_size <= kMaxLabelArea && label_size <= file_size - kImagePage) return label_size;
  return core::Refusal(
      EINVAL, "image.label_size",
      absl::StrCat("open ", name, ": a label area of ", label_size, " bytes does not fit in its ",
                   file_size, " bytes with a page of data before it"));
}

}  // namespace

uint64_t BlankLabelSize(uint64_t file_size) {
  const uint64_t remainder = file_size % kMiB;
  return remainder >= kMinLabelArea && file_size > kMiB ? remainder : 0;
}

absl::Status CheckLabelTail(const std::shared_ptr<core::Media>& file, uint64_t size,
                            const std::string& name) {
  const uint64_t file_size = RoundDown(file->size(), kImagePage);
  const std::set<uint64_t> candidates = Candidates(file_size);
  if (candidates.count(size) == 0)
    return core::Refusal(
        EINVAL, "image.label_size",
        absl::StrCat("open ", name, ": a label area of ", size, " bytes at the end of ", file_size,
                     " would not be found again: make it 128 KiB to 2 MiB in steps of 4 KiB, or "
                     "4, 8, 16, 32, 64 or 128 MiB"));
  const IndexSearch search(file, file_size);
  if (search.HasValidIndex(size)) return absl::OkStatus();
  for (const uint64_t other : candidates)
    if (search.HasValidIndex(other))
      return core::Refusal(
          EINVAL, "image.label_size",
          absl::StrCat("open ", name, ": it has labels already, in an area of ", other,
                       " bytes: say label_size=", other,
                       ", or fill that area (dev/nmem0 of a mount) with zeros first"));
  return absl::OkStatus();
}

absl::StatusOr<ImageLayout> DivideImage(const std::shared_ptr<core::Media>& file,
                                        std::optional<uint64_t> label_size,
                                        const std::string& name) {
  const uint64_t file_size = RoundDown(file->size(), kImagePage);
  if (file_size == 0)
    return core::Refusal(EINVAL, "image.size",
                         absl::StrCat("open ", name, ": ", file->size(),
                                      " bytes are no DIMM; the least is a page of ", kImagePage));
  ImageLayout layout;
  if (file_size != file->size())
    layout.findings.push_back(
        {"image.size.odd", file_size,
         absl::StrCat(name, ": its ", file->size(), " bytes are no multiple of ", kImagePage,
                      "; the last ", file->size() - file_size,
                      " are left out. Was the file truncated?")});
  uint64_t size = 0;
  if (label_size.has_value()) {
    ASSIGN_OR_RETURN(size, CheckLabelSize(*label_size, file_size, name));
  } else {
    size = FindLabelSize(file, file_size, name, layout.findings);
  }
  layout.labels = {file_size - size, size};
  layout.data = {0, RoundDown(file_size - size, kImagePage)};
  return layout;
}

}  // namespace nvdimmfs::backends
