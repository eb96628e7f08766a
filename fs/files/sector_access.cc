// SPDX-License-Identifier: Apache-2.0
#include "fs/files/sector_access.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "core/base/status.h"

namespace nvdimmfs::fs {
namespace {

// Whole-sector writers share an owner's lock, writers of a part hold it alone. Two owners may share
// one: that costs time, nothing else.
absl::Mutex& LockOf(const void* owner) {
  static std::array<absl::Mutex, 64> locks;
  return locks[std::hash<const void*>()(owner) / 64 % locks.size()];
}

absl::Status WritePart(core::Media& media, uint64_t sector, uint64_t offset,
                       absl::Span<const std::byte> data) {
  const uint64_t start = core::RoundDown(offset, sector);
  std::vector<std::byte> whole(sector);
  RETURN_IF_ERROR(media.Read(start, absl::MakeSpan(whole)));
  std::memcpy(whole.data() + (offset - start), data.data(), data.size());
  return media.Write(start, whole);
}

}  // namespace

absl::StatusOr<absl::Span<const std::byte>> ReadSectors(const core::Media& media, uint64_t sector,
                                                        const core::Range& range,
                                                        absl::Span<std::byte> scratch) {
  const uint64_t start = core::RoundDown(range.start, sector);
  const uint64_t end = core::RoundUp(range.end(), sector);
  const absl::Span<std::byte> whole = scratch.first(end - start);
  RETURN_IF_ERROR(media.Read(start, whole));
  return absl::Span<const std::byte>(whole.subspan(range.start - start, range.size));
}

absl::Status WriteSectors(core::Media& media, const void* owner, uint64_t sector, uint64_t offset,
                          absl::Span<const std::byte> data) {
  if (offset % sector == 0 && data.size() % sector == 0) {
    absl::ReaderMutexLock lock(&LockOf(owner));
    return media.Write(offset, data);
  }
  absl::MutexLock lock(&LockOf(owner));
  while (!data.empty()) {
    const uint64_t into = offset % sector;
    const bool part = into != 0 || data.size() < sector;
    const size_t step = part ? std::min<uint64_t>(data.size(), sector - into)
                             : core::RoundDown(data.size(), sector);
    const absl::Span<const std::byte> piece = data.first(step);
    RETURN_IF_ERROR(part ? WritePart(media, sector, offset, piece) : media.Write(offset, piece));
    offset += step;
    data.remove_prefix(step);
  }
  return absl::OkStatus();
}

}  // namespace nvdimmfs::fs
