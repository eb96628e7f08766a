// SPDX-License-Identifier: Apache-2.0
#include "backends/label_search.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "backends/content.h"
#include "backends/image_layout.h"
#include "core/base/endian.h"
#include "core/base/shell_word.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_format.h"
#include "core/labels/label_signature.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::backends {
namespace {

using core::Range;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kLargest = 128 * kMiB;  // of the areas searched for
constexpr size_t kMostFound = 4;
constexpr uint64_t kQuickPlaces = 512;  // at each end of the file, a MiB apart
constexpr size_t kQuickParts = 256;     // parts of the file between holes, whose ends are searched
constexpr uint64_t kQuickEnd = 4 * kMiB;  // at the end of each of the last parts
constexpr size_t kQuickEnds = 8;
constexpr uint64_t kThoroughPlaces = 1 << 20;           // a MiB apart
constexpr uint64_t kThoroughBytes = uint64_t{4} << 30;  // page by page, from the end of the file

class Search {
 public:
  explicit Search(const FileReader& file) : file_(file) {
    const std::optional<Content> content = FindContent(file);
    // Content that does not state its end gives no information.
    if (content && content->end != Content::kToTheEnd) content_end_ = content->end;
  }

  void Quick() {
    const std::vector<Range> parts = Parts(kQuickParts);
    for (const Range& part : parts) Probe(core::RoundUp(part.start, kImagePage));
    for (size_t i = parts.size(); i-- > 0 && parts.size() - i <= kQuickEnds;)
      Scan(parts[i], kQuickEnd);
    for (uint64_t i = 1; i <= kQuickPlaces; ++i) {
      Probe(i * kMiB);
      Probe(core::RoundDown(file_.size(), kMiB) - std::min(i * kMiB, file_.size()));
    }
  }

  void Thorough() {
    Quick();
    uint64_t places = 0;
    ForEachPart([&](Range part) {
      for (uint64_t at = core::RoundUp(part.start, kMiB);
           at < part.end() && places < kThoroughPlaces; at += kMiB, ++places)
        Probe(at);
      return places < kThoroughPlaces;
    });
    std::vector<Range> parts = Parts(SIZE_MAX);
    uint64_t left = kThoroughBytes;
    for (size_t i = parts.size(); i-- > 0 && left != 0;) left -= Scan(parts[i], left);
  }

  std::vector<Range> Found() const {
    std::vector<Range> found(found_.begin(), found_.end());
    return found;
  }

 private:
  struct Less {
    bool operator()(const Range& a, const Range& b) const { return a.start < b.start; }
  };

  template <typename Each>
  void ForEachPart(const Each& each) const {
    for (Range part = file_.NextData(0); !part.empty(); part = file_.NextData(part.end()))
      if (!each(part)) return;
  }
  // The last `most` parts that contain data.
  std::vector<Range> Parts(size_t most) const {
    std::vector<Range> parts;
    size_t walked = 0;
    ForEachPart([&](Range part) {
      parts.push_back(part);
      if (parts.size() > 2 * std::min(most, SIZE_MAX / 4))
        parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(most));
      return ++walked < kMostParts;
    });
    if (parts.size() > most)
      parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(most));
    return parts;
  }

  // Searches the last `most` bytes of `part` page by page; returns how many it read.
  uint64_t Scan(Range part, uint64_t most) {
    const uint64_t size = std::min(part.size, most);
    std::vector<std::byte> piece(kPiece);
    uint64_t at = core::RoundDown(part.end() - size, kImagePage);
    for (; at < part.end() && found_.size() < kMostFound; at += kPiece) {
      const auto bytes = absl::MakeSpan(piece).first(std::min<uint64_t>(kPiece, file_.size() - at));
      if (!file_.Peek(at, bytes).ok()) continue;
      for (uint64_t page = 0; page + core::kIndexSignature.size() <= bytes.size();
           page += kImagePage)
        if (std::memcmp(bytes.data() + page, core::kIndexSignature.data(),
                        core::kIndexSignature.size()) == 0)
          Consider(at + page);
    }
    return size;
  }

  void Probe(uint64_t at) {
    if (at != 0 && core::HasIndexSignature(file_, at)) Consider(at);
  }

  // Index block 0 would be at `start`; the valid one may be block 1.
  void Consider(uint64_t start) {
    if (found_.size() >= kMostFound || start < content_end_ || found_.count({start, 0}) != 0)
      return;
    core::IndexBlock index;
    if (!file_.Peek(start, absl::MakeSpan(reinterpret_cast<std::byte*>(&index), sizeof index)).ok())
      return;
    const uint64_t slot_bytes = uint64_t{128} << (index.label_size & 1);
    const auto slots = core::CheckedMul(uint32_t{index.slot_count}, slot_bytes);
    const auto end = slots ? core::CheckedAdd(*slots, index.label_offset) : std::nullopt;
    if (!end || *end > kLargest) return;
    const uint64_t size = core::RoundUp(*end, kImagePage);
    if (size < kMinLabelArea) return;
    auto area = core::MemoryMedia::Make(size);
    if (!area.ok()) return;
    // Only the index blocks are needed, and only they are certain to be in the file.
    std::vector<std::byte> blocks(
        std::min({uint64_t{index.label_offset}, size, file_.size() - start}));
    if (!file_.Peek(start, absl::MakeSpan(blocks)).ok() || !(*area)->Write(0, blocks).ok()) return;
    if (core::HasLabelIndex(**area)) found_.insert({start, size});
  }

  static constexpr uint64_t kPiece = 1 << 20;
  static constexpr size_t kMostParts = 1 << 16;

  const FileReader& file_;
  uint64_t content_end_ = 0;
  std::set<Range, Less> found_;
};

// Whether everything from `from` on is zeros.
bool EndsInZeros(const FileReader& file, uint64_t from) {
  std::vector<std::byte> piece(1 << 20);
  uint64_t budget = uint64_t{1} << 30;
  for (core::Range part = file.NextData(from); !part.empty(); part = file.NextData(part.end())) {
    for (uint64_t at = part.start; at < part.end(); at += piece.size()) {
      const auto bytes =
          absl::MakeSpan(piece).first(std::min<uint64_t>(piece.size(), part.end() - at));
      if (budget < bytes.size() || !file.Peek(at, bytes).ok()) return false;
      budget -= bytes.size();
      if (std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; }))
        return false;
    }
  }
  return true;
}

}  // namespace

std::vector<Range> FindDisplacedLabels(const FileReader& file, SearchEffort effort) {
  Search search(file);
  if (effort == SearchEffort::kQuick)
    search.Quick();
  else
    search.Thorough();
  return search.Found();
}

core::Finding DescribeDisplaced(const FileReader& file, Range area, const std::string& path,
                                bool has_fixed_size) {
  const std::string place = absl::StrCat("valid label index blocks are at ", area.start,
                                         ", of a label area of ", area.size, " bytes, which ends ");
  const std::string cut = absl::StrCat("truncate -s ", area.end(), " ", core::ShellWord(path));
  core::Finding finding{kDisplaced, area.start, ""};
  if (area.end() > file.size()) {
    finding.sentence =
        absl::StrCat(place, area.end() - file.size(), " bytes past the end of ",
                     has_fixed_size ? "the device: it is too small for the image"
                                    : "the file: it was made shorter by that. This brings back its "
                                      "length, and the labels that it still has: ",
                     has_fixed_size ? "" : cut);
    return finding;
  }
  if (area.end() == core::RoundDown(file.size(), kImagePage)) {
    finding.sentence = absl::StrCat(place,
                                    "where the file ends, but begins where none is searched "
                                    "for. Say label_size=",
                                    area.size);
    return finding;
  }
  const uint64_t behind = file.size() - area.end();
  finding.sentence = absl::StrCat(place, behind, " bytes before the end: ",
                                  has_fixed_size ? "the device is longer than the image on it"
                                                 : "the file was made longer by that",
                                  ", or QEMU's size= is ", area.end(),
                                  ". Open it as the guest saw it with size=", area.end());
  if (!EndsInZeros(file, area.end()))
    absl::StrAppend(&finding.sentence, "; what follows is not blank");
  else if (!has_fixed_size)
    absl::StrAppend(&finding.sentence, ", or cut off what follows, which is all zeros: ", cut);
  absl::StrAppend(&finding.sentence,
                  ". To use the new length, move the labels to its end: nvdimmfs move-labels ",
                  core::ShellWord(path), ". Where they are data, add hide_labels");
  return finding;
}

}  // namespace nvdimmfs::backends
