// The media errors that a bus's firmware knows of: injected ones, byte for byte, in system physical
// addresses.
//
// An injected error is hidden until a scrub reveals it; from then on the bytes are bad in the
// region's Media (reads refuse, `badblocks` shows them), and what makes them good there, such as a
// write of whole sectors, takes the error away. So does clearing, hidden or not. What was bad in the
// Media before counts as injected and revealed.
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
  explicit MediaErrors(std::vector<Place> places);

  // Whether all of it is in places.
  bool Covers(const Range& spa) const;

  // Adds errors; one that starts at the same byte as another replaces it. Refused with EINVAL,
  // "errors.range", where places do not cover the range or it is empty, and with ENOSPC,
  // "errors.full".
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
  struct Error {
    Range spa;  // within one place
    size_t place = 0;
    bool revealed = false;
  };

  void ForgetHealed();
  bool AnyIn(const Range& spa) const;
  absl::Status ClearIn(const Place& place, const Range& spa);

  const std::vector<Place> places_;
  std::vector<Error> errors_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_MEDIA_ERRORS_H_
