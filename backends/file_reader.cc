// SPDX-License-Identifier: Apache-2.0
#include "backends/file_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {

using core::Refusal;

absl::StatusOr<std::shared_ptr<FileReader>> FileReader::Open(int fd, uint64_t size,
                                                             const std::string& name) {
  posix::Descriptor own(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (own.get() < 0)
    return Refusal(errno, "media.open", absl::StrCat("open ", name, ": ", strerror(errno)));
  return std::shared_ptr<FileReader>(new FileReader(std::move(own), size, name));
}

absl::Status FileReader::ReadOnly() const {
  return Refusal(EROFS, "media.read_only", absl::StrCat("store to ", name_, ": open read-only"));
}

absl::Status FileReader::CheckFits(uint64_t offset, uint64_t length) const {
  if (core::Fits(offset, length, size_)) return absl::OkStatus();
  return core::Annotate(core::OutsideMedia(offset, length, size_), name_);
}

absl::Status FileReader::Read(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(CheckFits(offset, out.size()));
  if (poison_.Overlaps({offset, out.size()}))
    return Refusal(EIO, "media.poison",
                   absl::StrCat("read ", out.size(), " bytes at ", offset, " of ", name_,
                                ": known to be bad"));
  while (!out.empty()) {
    const ssize_t got = pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return Refusal(EIO, "media.read",
                     absl::StrCat("read ", out.size(), " bytes at ", offset, " of ", name_, ": ",
                                  got < 0 ? strerror(errno) : "the file was truncated"));
    offset += static_cast<uint64_t>(got);
    out.remove_prefix(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

bool FileReader::IsPoisoned(uint64_t offset, uint64_t length) const {
  return !poison_.empty() && core::Fits(offset, length, size_) &&
         poison_.Overlaps({offset, length});
}

absl::Status FileReader::InjectPoison(const core::Range& range) {
  RETURN_IF_ERROR(CheckFits(range.start, range.size));
  poison_.Add(range);
  return absl::OkStatus();
}

core::Range NextDataOf(int fd, uint64_t from, uint64_t size) {
  if (from >= size) return {size, 0};
  const off_t data = lseek(fd, static_cast<off_t>(from), SEEK_DATA);
  if (data < 0) return errno == ENXIO ? core::Range{size, 0} : core::Range{from, size - from};
  const off_t hole = lseek(fd, data, SEEK_HOLE);
  const uint64_t start = std::min(static_cast<uint64_t>(data), size);
  const uint64_t end = hole < 0 ? size : std::min(static_cast<uint64_t>(hole), size);
  return start < end ? core::Range{start, end - start} : core::Range{size, 0};
}

}  // namespace nvdimmfs::backends
