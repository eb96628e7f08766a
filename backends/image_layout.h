// How an image file divides into a DIMM's data and its label area: QEMU's file layout.
//
//   0                      D           S - L              S
//   | data = DPA 0 .. D    | 0..4095   | label area of L  |      D = (S - L) rounded down to 4096
//
// S is the size of the file (rounded down to 4096: a page cut in two is nobody's). The file does
// not say L. It is found, in this order:
//   1. as the caller says;
//   2. where an index block is: the smallest L of the candidates (128 KiB to 2 MiB by 4 KiB; powers
//   of two
//      and whole MiB over S's own remainder, to 128 MiB) at whose S - L a label area has a valid
//      index. The smallest, because the bytes before it are data under that reading, which a guest
//      may fill with anything, even with a copy of a label area, while the bytes of a label area
//      are nobody's data. Where a larger candidate fits too, a finding says so;
//   3. blank: the remainder of S over a multiple of 1 MiB, where that is 128 KiB or more;
//   4. where an index block was: the same candidates, by the signature alone (a finding says so);
//   5. there is none.
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
#include "core/media/media.h"

namespace nvdimmfs::backends {

inline constexpr uint64_t kImagePage = 4096;           // QEMU's alignment of a plain file
inline constexpr uint64_t kMinLabelArea = 128 * 1024;  // QEMU's least
inline constexpr uint64_t kMaxLabelArea = 0xffffffff;  // label commands have 32-bit offsets

struct ImageLayout {
  core::Range data;    // of the file; starts at 0, a multiple of 4096, not empty
  core::Range labels;  // of the file; empty where the DIMM has no labels
  std::vector<core::Finding> findings;
};

// Divides an image. `label_size` in bytes overrides the search; 0 says label-less.
// Refused with EINVAL: "image.size" where no page of data would be left, "image.label_size" where
// the caller's is too large. A read error of `file` is passed on as "no index here". Thread rules:
// any thread; reads `file` only.
absl::StatusOr<ImageLayout> DivideImage(const std::shared_ptr<core::Media>& file,
                                        std::optional<uint64_t> label_size,
                                        const std::string& name);

// Whether an area of `size` bytes can be made, or is there, at the end of `file`, and be found again.
// Refused with EINVAL, "image.label_size", where rule 2 does not look for that size, and where there
// are labels in an area of another size, which would be lost from sight or overwritten.
absl::Status CheckLabelTail(const std::shared_ptr<core::Media>& file, uint64_t size,
                            const std::string& name);

// The label area that rule 3 gives to a blank image of `file_size` bytes; 0 for none.
uint64_t BlankLabelSize(uint64_t file_size);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_LAYOUT_H_
