// SPDX-License-Identifier: Apache-2.0
#include "backends/label_move.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "backends/file_reader.h"
#include "backends/image_layout.h"
#include "backends/label_search.h"
#include "backends/posix/descriptor.h"
#include "backends/whole_file.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

using core::Range;

constexpr uint64_t kStep = 64 * 1024;

bool IsBlank(absl::Span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

absl::Status Store(core::Media& file, uint64_t offset, absl::Span<const std::byte> bytes) {
  RETURN_IF_ERROR(file.Write(offset, bytes));
  return file.Persist(offset, bytes.size());
}

// Copies `bytes` of an area to `to`, where everything is zero.
absl::Status StoreSlots(core::Media& file, uint64_t to, absl::Span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<size_t>(bytes.size(), kStep));
    if (!IsBlank(part)) RETURN_IF_ERROR(Store(file, to, part));
    to += part.size();
    bytes.remove_prefix(part.size());
  }
  return file.Flush();
}

absl::Status Clear(core::Media& file, Range range) {
  const std::vector<std::byte> zeros(std::min(range.size, kStep));
  while (!range.empty()) {
    const auto part =
        absl::MakeConstSpan(zeros).first(std::min<uint64_t>(zeros.size(), range.size));
    RETURN_IF_ERROR(Store(file, range.start, part));
    range = {range.start + part.size(), range.size - part.size()};
  }
  return file.Flush();
}

absl::Status Refuse(const std::string& path, absl::string_view why) {
  return core::Refusal(EINVAL, "image.labels.move",
                       absl::StrCat("move the labels of ", path, " to its end: ", why));
}

absl::StatusOr<Range> FindSource(const std::string& path, uint64_t size) {
  const posix::Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0)
    return core::Refusal(errno, "image.open", absl::StrCat("open ", path, ": ", strerror(errno)));
  ASSIGN_OR_RETURN(const std::shared_ptr<FileReader> reader,
                   FileReader::Open(file.get(), size, path));
  const std::vector<Range> found = FindDisplacedLabels(*reader, SearchEffort::kThorough);
  if (found.empty()) return Refuse(path, "there are no labels in it");
  if (found.size() > 1)
    return Refuse(path, absl::StrCat("label areas begin at ", found[0].start, " and at ",
                                     found[1].start, "; open it with size=", found[0].end(),
                                     " or size=", found[1].end(), " to see which is the DIMM's"));
  if (found[0].end() > size)
    return Refuse(path, absl::StrCat("it was made shorter, and lacks the end of them; first say "
                                     "truncate -s ",
                                     found[0].end(), " ", core::ShellWord(path)));
  return found[0];
}

}  // namespace

absl::Status MoveLabels(const std::shared_ptr<core::Media>& file, Range from, uint64_t to) {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> source, core::MediaSlice::Make(file, from));
  ASSIGN_OR_RETURN(const core::LabelArea area, core::LabelArea::Open(source));
  const uint64_t slots = area.slot_offset(0), index = slots / 2;
  std::vector<std::byte> bytes(from.size);
  RETURN_IF_ERROR(file->Read(from.start, absl::MakeSpan(bytes)));
  const auto all = absl::MakeConstSpan(bytes);
  RETURN_IF_ERROR(StoreSlots(*file, to + slots, all.subspan(slots)));
  // The older block on its own would show an older state.
  const auto current = static_cast<uint64_t>(area.current());
  for (const uint64_t block : {current, 1 - current}) {
    RETURN_IF_ERROR(Store(*file, to + block * index, all.subspan(block * index, index)));
    RETURN_IF_ERROR(file->Flush());
  }
  RETURN_IF_ERROR(Clear(*file, {from.start, slots}));
  return Clear(*file, {from.start + slots, from.size - slots});
}

absl::StatusOr<MovedLabels> MoveLabelsToEnd(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> file, MapWholeStore(path, {}));
  if (HasLabelsAtEnd(file)) return Refuse(path, "they are there already");
  const uint64_t size = core::RoundDown(file->size(), kImagePage);
  ASSIGN_OR_RETURN(const Range from, FindSource(path, size));
  const Range to = {size - from.size, from.size};
  if (to.start < from.end())
    return Refuse(path, absl::StrCat("it has ", size - from.end(),
                                     " bytes more than before, and needs ", from.size,
                                     " at least. Make it longer, or as long as it was: "
                                     "truncate -s ",
                                     from.end(), " ", core::ShellWord(path)));
  RETURN_IF_ERROR(CheckLabelTail(file, from.size, path));
  std::vector<std::byte> end(to.size);
  RETURN_IF_ERROR(file->Read(to.start, absl::MakeSpan(end)));
  if (!IsBlank(end))
    return Refuse(path, absl::StrCat("its last ", to.size,
                                     " bytes are not blank, and would be "
                                     "overwritten. Make it longer: truncate -s +",
                                     to.size, " ", core::ShellWord(path)));
  RETURN_IF_ERROR(MoveLabels(file, from, to.start));
  return MovedLabels{from, to};
}

}  // namespace nvdimmfs::backends
