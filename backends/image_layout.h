// SPDX-License-Identifier: Apache-2.0
// How an image file is divided into a DIMM's data and its label area: QEMU's file layout.
//
//   0                      D           S - L              S
//   | data = DPA 0 .. D    | 0..4095   | label area of L  |      D = (S - L) rounded down to 4096
//
// S is the size of the file (rounded down to 4096; a partial page is not used). The file does not
// record L. It is determined by the first of these rules that applies:
//   1. the caller's value, if it hides no labels;
//   2. a valid index block: the smallest L of the candidates (128 KiB to 2 MiB by 4 KiB; powers of
//      two and whole MiB plus S's own remainder, to 128 MiB) such that the label area at S - L has
//      a valid index. The smallest, because the bytes before it are then data, which a guest may
//      fill with anything, even with a copy of a label area, whereas a label area contains no data
//      of a guest. If a larger candidate also fits, a finding says so;
//   3. the signature of an index block (a finding says so), for candidates with S's own remainder;
//   4. labels in the first slots of an area of a candidate's size, whose index blocks are lost (a
//      finding says so);
//   5. a guess, and a note says so: the remainder of S above a multiple of 1 MiB, if that is
//      128 KiB or more, all of its bytes are zero, and the content at the start of the data
//      (content.h) ends before it. Otherwise these bytes are data, and a note says so if nothing
//      else does;
//   6. the signature of an index block, for any candidate;
//   7. otherwise there is none.
#ifndef NVDIMMFS_BACKENDS_IMAGE_LAYOUT_H_
#define NVDIMMFS_BACKENDS_IMAGE_LAYOUT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/finding.h"
#include "core/base/range.h"
#include "core/labels/label_format.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

inline constexpr uint64_t kImagePage = 4096;           // QEMU's alignment of a plain file
inline constexpr uint64_t kMinLabelArea = 128 * 1024;  // QEMU's minimum
using core::kMaxLabelArea;

struct ImageLayout {
  core::Range data;                     // of the file; starts at 0, a multiple of 4096, not empty
  core::Range labels;                   // of the file; empty if the DIMM has no labels
  std::vector<core::Finding> findings;  // also notes (core/base/note.h): what was assumed
};

// The caller's requests for an image's layout.
struct LayoutWish {
  std::optional<uint64_t> label_size = std::nullopt;  // bytes; 0: label-less; nothing: detect it
  // Apply `label_size` even if that hides labels in an area of another size, whose bytes then count
  // as data or as a blank area.
  bool hide_labels = false;
};

// Divides an image. Refused with EINVAL: "image.size" if no page of data would be left,
// "image.label_size" if the caller's size is too large, "image.labels.hidden" if it would hide
// labels. A read error of `file` counts as "no index here". Thread rules: any thread; only reads
// `file`.
absl::StatusOr<ImageLayout> DivideImage(const std::shared_ptr<core::Media>& file,
                                        const LayoutWish& wish, const std::string& name);

// Whether an area of `size` bytes at the end of `file`, existing or to be made, would be found
// again. Refused with EINVAL, "image.label_size", if rule 2 does not try that size.
absl::Status CheckLabelTail(const std::shared_ptr<core::Media>& file, uint64_t size,
                            const std::string& name);

// Whether a label area with a valid index is at the end of `file`: rule 2.
bool HasLabelsAtEnd(const std::shared_ptr<core::Media>& file);

// The label area that rule 5 gives to a blank image of `file_size` bytes; 0 for none.
uint64_t BlankLabelSize(uint64_t file_size);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_LAYOUT_H_
