// SPDX-License-Identifier: Apache-2.0
// The seam between formats and storage: a byte range that can be read, stored to and made durable.
//
// Everything that this project stores goes through a Media, so a Media that counts accesses, cuts
// power or poisons cells sees all of it (core/testing/faulty_media.h).
//
// Model of durability: a store is visible at once. It is *durable* (has reached the persistence
// domain, whatever that is for the backend) only after it was pushed and a later Drain by the same
// thread has returned. Until then any subset of its aligned 8-byte words may have arrived, in any
// order among stores; an aligned 8-byte (or 4-byte) word is never torn.
//
//   Write + Push + Drain     ordinary stores, pushed afterwards
//   WriteThrough + Drain     stores that start on their way at once (non-temporal where mapped)
//   Persist                  Push + Drain in one
//   Flush                    the device's own, slow, whole-device flush (deep flush, fsync): a
//                            different verb, needed for fsync(2) and after configuration
//
// Thread rules: every function may be called from any thread; callers must order stores by several
// threads to the same bytes. Offsets are bytes from the start of this Media. An access that does
// not fit is refused with EIO, "media.range", and touches nothing.
#ifndef NVDIMMFS_CORE_MEDIA_MEDIA_H_
#define NVDIMMFS_CORE_MEDIA_MEDIA_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/direct_view.h"
#include "core/media/file_loan.h"
#include "core/media/poison_observer.h"

namespace nvdimmfs::core {

class Media {
 public:
  virtual ~Media() = default;

  // Bytes; fixed for the life of the object.
  virtual uint64_t size() const = 0;

  // Refused with EIO, "media.poison", if the range contains bytes known to be bad.
  virtual absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const = 0;
  // The same, but cheaper for reading a few bytes in each of many places, once: if the media is a
  // mapped file, no page is faulted in.
  virtual absl::Status Peek(uint64_t offset, absl::Span<std::byte> out) const {
    return Read(offset, out);
  }
  virtual absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) = 0;
  virtual absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) = 0;

  // One aligned word, stored in a single instruction where the media is mapped: never torn, for
  // concurrent readers as well as for a power cut. Like Write it is not pushed.
  virtual absl::Status Store32(uint64_t offset, uint32_t little_endian_value) = 0;
  virtual absl::Status Store64(uint64_t offset, uint64_t little_endian_value) = 0;

  // Store and Push of one word in one step. Overridden where that is cheaper.
  virtual absl::Status StoreThrough32(uint64_t offset, uint32_t little_endian_value) {
    absl::Status status = Store32(offset, little_endian_value);
    return status.ok() ? Push(offset, sizeof little_endian_value) : status;
  }
  virtual absl::Status StoreThrough64(uint64_t offset, uint64_t little_endian_value) {
    absl::Status status = Store64(offset, little_endian_value);
    return status.ok() ? Push(offset, sizeof little_endian_value) : status;
  }

  virtual absl::Status Push(uint64_t offset, uint64_t length) = 0;
  virtual absl::Status Drain() = 0;
  absl::Status Persist(uint64_t offset, uint64_t length) {
    absl::Status status = Push(offset, length);
    return status.ok() ? Drain() : status;
  }
  virtual absl::Status Flush() = 0;

  // Gives the range back to the underlying storage (punches a hole); it then reads as zeros.
  // Refused with EOPNOTSUPP if the storage does not support that; the caller then writes zeros.
  virtual absl::Status Punch(uint64_t offset, uint64_t length) = 0;

  virtual bool read_only() const { return false; }

  // The first byte if the whole range is mapped contiguously into memory, else null. Reading
  // through it bypasses the poison check; storing through it is not allowed.
  virtual const std::byte* mapping() const { return nullptr; }
  // The same for readers that handle poison and lost pages. Fixed for the life of the Media.
  virtual DirectView direct_view() const { return {}; }

  // The file behind it, if this Media is exactly one whole regular file and none of its bytes is
  // known to be bad; else null.
  virtual std::shared_ptr<FileLoan> LendFile() { return nullptr; }

  // Whether bytes known to be bad overlap the range.
  virtual bool IsPoisoned(uint64_t offset, uint64_t length) const = 0;
  // Makes the range good again (its content is unspecified until written). Refused with ENXIO if
  // offset or length is not a multiple of 512.
  virtual absl::Status ClearPoison(uint64_t offset, uint64_t length) = 0;
  // All bytes known to be bad: ascending, none overlapping or adjacent.
  virtual std::vector<Range> BadRanges() const { return {}; }
  // Makes every 512-byte unit that the range touches bad, as an uncorrectable error would. Refused
  // with EOPNOTSUPP if the Media keeps no list of bad bytes.
  virtual absl::Status InjectPoison(const Range&) {
    return Refusal(EOPNOTSUPP, "media.poison.none", "this media keeps no list of bad bytes");
  }
  // Tells `observer`, for as long as it lives, whenever bytes become bad or good.
  virtual void ObservePoison(std::weak_ptr<PoisonObserver>) {}  // NOLINT: implementations keep it
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_MEDIA_H_
