// SPDX-License-Identifier: Apache-2.0
// The media errors that a bus's firmware knows of: injected ones, byte for byte, in system physical
// addresses.
//
// An injected error is hidden until a scrub reveals it. From then on the bytes are bad in the
// region's Media (reads are refused, `badblocks` lists them). Whatever makes them good there, such
// as a write of whole sectors, removes the error. Clearing removes it as well, hidden or not. Bytes
// that were already bad in the Media count as injected and revealed.
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
  // How an injection outside all places is treated: refused; or noted, so that it is listed and
  // found by scrubs although there are no bytes to make bad.
  enum class Outside { kRefused, kNoted };
  explicit MediaErrors(std::vector<Place> places, Outside outside = Outside::kRefused);

  // Whether the places cover the whole range.
  bool Covers(const Range& spa) const;

  // Adds errors; one that starts at the same byte as another replaces it. Refused with EINVAL,
  // "errors.range", if the range is empty or (Outside::kRefused) the places do not cover it, and
  // with ENOSPC, "errors.full".
  absl::Status Inject(const Range& spa);
  // The firmware forgets them. Bytes that a scrub has found bad stay bad.
  void Withdraw(const Range& spa);
  // Makes the bytes good again: whole 512-byte sectors that have no other error. Fails as the Media
  // does.
  absl::Status Clear(const Range& spa);
  // A scrub of the range has finished.
  void Reveal(const Range& spa);

  // The errors in the range, clipped to it, in order of injection.
  std::vector<Range> Within(const Range& spa);
  std::vector<Range> All();

 private:
  static constexpr size_t kNowhere = ~size_t{0};
  struct Error {
    Range spa;  // within one place, or kNowhere
    size_t place = 0;
    bool revealed = false;  // never true for one at kNowhere
  };

  // The parts of a range inside places, and the parts outside.
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
