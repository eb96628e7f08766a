// SPDX-License-Identifier: Apache-2.0
// Hostile image files: whatever they start and end with (file systems, partition tables, other
// formats, labels), dividing one into data and labels ends, and gives parts that lie in the file
// and do not overlap.
//
// The input: the file's size in units of 4 KiB, two bytes; an offset from its start and one back
// from its end, two bytes each; a length, two bytes; so many bytes at the first place; the rest at
// the second.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "backends/content.h"
#include "backends/foreign_format.h"
#include "backends/image_layout.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "core/testing/fuzz_input.h"
#include "core/testing/reseal.h"

namespace nvdimmfs::backends {
namespace {

using core::Demand;
using core::MemoryMedia;

void Put(MemoryMedia& file, uint64_t at, absl::string_view bytes) {
  if (at >= file.size() || bytes.empty()) return;
  std::memcpy(file.bytes().data() + at, bytes.data(),
              std::min<uint64_t>(bytes.size(), file.size() - at));
}

void Divide(const std::shared_ptr<MemoryMedia>& file, const LayoutWish& wish) {
  const auto layout = DivideImage(file, wish, "fuzz.img");
  if (!layout.ok()) {
    Demand(!core::ReasonOf(layout.status()).empty(), "a refusal has a reason");
    return;
  }
  Demand(layout->data.start == 0 && !layout->data.empty() && layout->data.size % kImagePage == 0,
         "the data of an image");
  Demand(layout->data.end() <= file->size(), "data within the file");
  if (layout->labels.empty()) return;
  Demand(core::Fits(layout->labels.start, layout->labels.size, file->size()),
         "labels within the file");
  Demand(layout->labels.start >= layout->data.end(), "labels behind the data");
  if (wish.label_size && *wish.label_size != 0)
    Demand(layout->labels.size == *wish.label_size, "the size that was asked for");
}

// Of the first bytes, as a file.
void LookAtFormat(absl::string_view start) {
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  Demand(fd >= 0, "memfd_create");
  Demand(write(fd, start.data(), start.size()) == static_cast<ssize_t>(start.size()), "write");
  const absl::Status status = CheckFormat(fd, "fuzz.img");
  Demand(status.ok() || core::ReasonOf(status) == "image.format", "the reason of a format");
  close(fd);
}

void Run(core::FuzzInput input) {
  const auto file =
      std::make_shared<MemoryMedia>(uint64_t{input.Take<uint16_t>()} * 4096 % (64 << 20));
  const uint64_t from_start = input.Take<uint16_t>();
  const uint64_t from_end = uint64_t{input.Take<uint16_t>()} * 4096;
  const absl::string_view start = input.Piece(input.Take<uint16_t>());
  Put(*file, from_start, start);
  if (from_end <= file->size()) {
    const uint64_t at = file->size() - from_end;
    Put(*file, at, input.Piece(1 << 20));
    // Areas at the end, so that they count as such.
    if (from_end >= kMinLabelArea)
      for (const uint32_t label_size : {128u, 256u})
        core::ResealLabels(file->bytes().subspan(at), label_size, 0);
  }
  if (file->size() == 0) return;
  if (const std::optional<Content> content = FindContent(*file))
    Demand(!content->what.empty() && content->end > 0, "content that was recognised");
  LookAtFormat(start);
  Divide(file, {});
  for (const uint64_t label_size : {uint64_t{0}, kMinLabelArea})
    for (const bool hide : {false, true})
      Divide(file, {.label_size = label_size, .hide_labels = hide});
  (void)CheckLabelTail(file, kMinLabelArea, "fuzz.img");
}

}  // namespace
}  // namespace nvdimmfs::backends

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::backends::Run({data, size});
  return 0;
}
