// SPDX-License-Identifier: Apache-2.0
#include "backends/image_layout.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "backends/content.h"
#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_format.h"
#include "core/labels/label_signature.h"
#include "core/labels/slot_survey.h"
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
  // At least one page of data remains.
  while (!sizes.empty() && *sizes.rbegin() + kImagePage > file_size) sizes.erase(*sizes.rbegin());
  return sizes;
}

// Looks for index blocks at the candidates' offsets. Most of them are in consecutive pages near the
// end of the file, which is read once, in large pieces.
class IndexSearch {
 public:
  IndexSearch(const std::shared_ptr<core::Media>& file, uint64_t file_size)
      : file_(file), file_size_(file_size), read_from_(file_size) {
    ReadTail();
  }

  bool HasValidIndex(uint64_t size) const {
    const uint64_t start = file_size_ - size;
    const std::vector<uint64_t> offsets = core::LabelIndexOffsets(size);
    if (std::none_of(offsets.begin(), offsets.end(),
                     [&](uint64_t offset) { return HasSignature(start + offset); }))
      return false;
    auto area = core::MediaSlice::Make(file_, {start, size});
    return area.ok() && core::HasLabelIndex(**area);
  }
  bool HasSignature(uint64_t offset) const {
    if (offset < read_from_) return core::HasIndexSignature(*file_, offset);
    return std::binary_search(signatures_.rbegin(), signatures_.rend(), offset);
  }

 private:
  // Reads downwards until a read fails.
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
  uint64_t read_from_;                // everything after it is known
  std::vector<uint64_t> signatures_;  // after read_from_, descending
};

Finding Ambiguous(uint64_t file_size, uint64_t taken, uint64_t other) {
  return {"image.labels.ambiguous", file_size - other,
          absl::StrCat("valid label index blocks are ", taken, " and ", other,
                       " bytes before its end; the label area is taken to be the last ", taken,
                       " bytes. Say label_size=", other, " for the other")};
}

Finding Damaged(uint64_t file_size, uint64_t size) {
  return {
      "image.labels.damaged", file_size - size,
      absl::StrCat("the index block ", size,
                   " bytes before its end is damaged; the label area is taken to begin there. Say "
                   "label_size=0,hide_labels if that is data")};
}

Finding IndexLost(uint64_t file_size, uint64_t size) {
  return {"image.labels.damaged", file_size - size,
          absl::StrCat(
              "there are labels where a label area of ", size,
              " bytes at its end would have them, but its index blocks are lost; the label area is "
              "taken to begin there. Say label_size=0,hide_labels if that is data")};
}

Finding Guessed(uint64_t file_size, uint64_t size) {
  return {"image.labels.note", file_size - size,
          absl::StrCat("it has no labels; its last ", size,
                       " bytes are zeros and are taken for a blank label area. Say label_size=",
                       size, " to confirm it, or label_size=0 where they are data")};
}

Finding EndUnknown(uint64_t file_size, uint64_t size, const std::string& what) {
  return {"image.labels.note", file_size - size,
          absl::StrCat("it has no labels; its last ", size,
                       " bytes are zeros and are taken for data of ", what,
                       " before them, which does not state its end. Say label_size=0 to "
                       "confirm it, or label_size=",
                       size, " for a blank label area")};
}

Finding TailIsData(uint64_t file_size, uint64_t size) {
  return {"image.labels.note", file_size - size,
          absl::StrCat("it has no labels; its last ", size,
                       " bytes, after a whole number of MiB, are not zeros and hold neither index "
                       "blocks nor labels: they are taken for data. Say label_size=0 to confirm "
                       "it, or label_size=",
                       size, " for a label area that is damaged")};
}

// Whether all of `range` can be read and is zero.
bool IsZero(const core::Media& file, core::Range range) {
  std::vector<std::byte> piece(64 * 1024);
  while (!range.empty()) {
    const auto part = absl::MakeSpan(piece).first(std::min<uint64_t>(piece.size(), range.size));
    if (!file.Peek(range.start, part).ok()) return false;
    if (std::any_of(part.begin(), part.end(), [](std::byte byte) { return byte != std::byte{0}; }))
      return false;
    range = {range.start + part.size(), range.size - part.size()};
  }
  return true;
}

// Rule 5. QEMU does not make images that end within a page.
uint64_t GuessBlankSize(const core::Media& file, uint64_t file_size, ImageLayout& layout) {
  const uint64_t size = file.size() == file_size ? BlankLabelSize(file_size) : 0;
  if (size == 0) return 0;
  const std::optional<Content> content = FindContent(file);
  if (!IsZero(file, {file_size - size, size})) {
    if (!content || content->end <= file_size - size)
      layout.findings.push_back(TailIsData(file_size, size));
    return 0;
  }
  if (content && content->end == Content::kToTheEnd)
    layout.findings.push_back(EndUnknown(file_size, size, content->what));
  if (content && content->end > file_size - size) return 0;
  layout.findings.push_back(Guessed(file_size, size));
  return size;
}

// Rules 2 to 7.
uint64_t FindLabelSize(const core::Media& file, uint64_t file_size, const IndexSearch& search,
                       ImageLayout& layout) {
  const std::set<uint64_t> candidates = Candidates(file_size);
  uint64_t found = 0;
  for (uint64_t size : candidates) {
    if (!search.HasValidIndex(size)) continue;
    if (found == 0) {
      found = size;
    } else {
      layout.findings.push_back(Ambiguous(file_size, found, size));
      break;
    }
  }
  if (found != 0) return found;
  const auto damaged = [&](bool over_remainder) -> uint64_t {
    for (uint64_t size : candidates) {
      if (over_remainder && size % kMiB != file_size % kMiB) continue;
      if (!search.HasSignature(file_size - size)) continue;
      layout.findings.push_back(Damaged(file_size, size));
      return size;
    }
    return 0;
  };
  if (BlankLabelSize(file_size) != 0)
    if (const uint64_t size = damaged(true); size != 0) return size;
  for (uint64_t size : candidates) {
    if (!core::HoldsLabels(file, file_size - size, size, RoundDown(file_size - size, kImagePage)))
      continue;
    layout.findings.push_back(IndexLost(file_size, size));
    return size;
  }
  if (const uint64_t size = GuessBlankSize(file, file_size, layout); size != 0) return size;
  return damaged(false);
}

// The size of an area, other than the last `label_size` bytes, that holds labels or once did; 0 if
// there is none.
uint64_t LabelsHiddenBy(uint64_t label_size, uint64_t file_size, const IndexSearch& search) {
  if (label_size != 0 &&
      (search.HasValidIndex(label_size) || search.HasSignature(file_size - label_size)))
    return 0;
  const std::set<uint64_t> candidates = Candidates(file_size);
  for (const uint64_t size : candidates)
    if (search.HasValidIndex(size)) return size;
  for (const uint64_t size : candidates)
    if (search.HasSignature(file_size - size)) return size;
  return 0;
}

absl::Status RefuseHiding(uint64_t label_size, uint64_t hidden, const std::string& name) {
  return core::Refusal(
      EINVAL, "image.labels.hidden",
      absl::StrCat("open ", name, " with a label area of ", label_size,
                   " bytes: it has labels already, in its last ", hidden,
                   " bytes; they would be taken for data or for a blank area, and be overwritten. "
                   "Say label_size=",
                   hidden, ", or leave it out; where they are to be given up, add hide_labels"));
}

// A file system that extends into the partial page at the end needs the whole page. For other data
// this is unknown.
void TellOddSize(const core::Media& file, uint64_t file_size, ImageLayout& layout) {
  const uint64_t left_out = file.size() - file_size;
  if (left_out == 0) return;
  const std::string size = absl::StrCat("its ", file.size(), " bytes are not a multiple of ",
                                        kImagePage, "; the last ", left_out, " are left out");
  const std::optional<Content> content = FindContent(file);
  if (!content || content->end == Content::kToTheEnd) {
    layout.findings.push_back({"image.size.odd", file_size,
                               absl::StrCat(size, ". Was the file truncated? truncate -s %",
                                            kImagePage, " FILE fills the page with zeros")});
  } else if (content->end <= file_size) {
    layout.findings.push_back(
        {"image.size.note", file_size, absl::StrCat(size, ", after the end of ", content->what)});
  } else {
    layout.findings.push_back(
        {"image.size.odd", file_size,
         absl::StrCat(size, ", but ", content->what, " in it reaches to ", content->end,
                      content->end > file.size() ? ": the file was truncated"
                                                 : ": fill the page with zeros first, by truncate "
                                                   "-s %4096 FILE")});
  }
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
  if (Candidates(file_size).count(size) != 0) return absl::OkStatus();
  return core::Refusal(
      EINVAL, "image.label_size",
      absl::StrCat("open ", name, ": a label area of ", size, " bytes at the end of ", file_size,
                   " would not be found again: make it 128 KiB to 2 MiB in steps of 4 KiB, or "
                   "4, 8, 16, 32, 64 or 128 MiB"));
}

bool HasLabelsAtEnd(const std::shared_ptr<core::Media>& file) {
  const uint64_t file_size = RoundDown(file->size(), kImagePage);
  const IndexSearch search(file, file_size);
  const std::set<uint64_t> candidates = Candidates(file_size);
  return std::any_of(candidates.begin(), candidates.end(),
                     [&](uint64_t size) { return search.HasValidIndex(size); });
}

absl::StatusOr<ImageLayout> DivideImage(const std::shared_ptr<core::Media>& file,
                                        const LayoutWish& wish, const std::string& name) {
  const uint64_t file_size = RoundDown(file->size(), kImagePage);
  if (file_size == 0)
    return core::Refusal(
        EINVAL, "image.size",
        absl::StrCat("open ", name, ": ", file->size(),
                     " bytes are too small for a DIMM image; minimum ", kImagePage, " bytes"));
  ImageLayout layout;
  TellOddSize(*file, file_size, layout);
  const IndexSearch search(file, file_size);
  uint64_t size = 0;
  if (wish.label_size.has_value()) {
    ASSIGN_OR_RETURN(size, CheckLabelSize(*wish.label_size, file_size, name));
    const uint64_t hidden = wish.hide_labels ? 0 : LabelsHiddenBy(size, file_size, search);
    if (hidden != 0) return RefuseHiding(size, hidden, name);
  } else {
    size = FindLabelSize(*file, file_size, search, layout);
  }
  layout.labels = {file_size - size, size};
  layout.data = {0, RoundDown(file_size - size, kImagePage)};
  return layout;
}

}  // namespace nvdimmfs::backends
