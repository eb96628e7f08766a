// SPDX-License-Identifier: Apache-2.0
// The media errors that a bus's firmware knows of: injected ones, byte for byte, in system physical
// addresses.
//
// An injected error is hidden until a scrub reveals it; from then on the bytes are bad in the
// region's Media (reads refuse, `badblocks` shows them), and what makes them good there, such as a
// write of whole sectors, takes the error away. So does clearing, hidden or not. What was bad in
// the Media before counts as injected and revealed.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_MEDIA_MEDIA_ERRORS_H_
#define NVDIMMFS_CORE_MEDIA_MEDIA_ERRORS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "core/base/range.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

class MediaErrors {
 public:
  static constexpr size_t kMostErrors = 4096;

  // An address range and its bytes: one for each region.
  struct Place {
    Range spa;
    std::shared_ptr<Media> media;
  };
  // What an injection outside all places is: refused, or noted, listed and found by scrubs, with no
  // bytes that it could make bad.
  enum class Outside { kRefused, kNoted };
  explicit MediaErrors(std::vector<Place> places, Outside outside = Outside::kRefused);

  // Whether all of it is in places.
  bool Covers(const Range& spa) const;

  // Adds errors; one that starts at the same byte as another replaces it. Refused with EINVAL,
  // "errors.range", where the range is empty or (Outside::kRefused) places do not cover it, and
  // with ENOSPC, "errors.full".
  absl::Status Inject(const Range& spa);
  // The firmware forgets them. Bytes that a scrub has found bad stay bad.
  void Withdraw(const Range& spa);
  // The bytes are good again: whole 512-byte sectors, and those that have no other error. Refused
  // as the Media refuses.
  absl::Status Clear(const Range& spa);
  // A scrub of the range has come to its end.
  void Reveal(const Range& spa);

  // Those in the range, clipped to it, in the order of their injection.
  std::vector<Range> Within(const Range& spa);
  std::vector<Range> All();

 private:
  static constexpr size_t kNowhere = ~size_t{0};
  struct Error {
    Range spa;  // within one place, or kNowhere
    size_t place = 0;
    bool revealed = false;  // never of one that is nowhere
  };

  // The parts of a range that are in places, and those that are not.
  std::vector<Error> PartsOf(const Range& spa) const;
  void ForgetHealed();
  bool AnyIn(const Range& spa) const;
  absl::Status ClearIn(const Place& place, const Range& spa);

  const std::vector<Place> places_;
  const Outside outside_;
  std::vector<Error> errors_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_MEDIA_ERRORS_H_
