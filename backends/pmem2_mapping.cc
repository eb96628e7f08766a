// SPDX-License-Identifier: Apache-2.0
#include "backends/pmem2_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backends/largest_mapping.h"
#include "backends/posix/descriptor.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using core::Fits;
using core::RoundDown;
using core::RoundUp;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHugePage = 2 << 20;
// /dev/mem (Documentation/admin-guide/devices.txt: character major 1, minor 1).
const dev_t kPhysicalMemory = makedev(1, 1);

// libpmem2 returns a negative errno or one of its own codes (from -100000 down).
absl::Status MapError(const std::string& name, int error) {
  const int error_number = error < 0 && error > -4096 ? -error : EINVAL;
  if (error_number == ENOMEM)
    return core::Refusal(
        ENOMEM, "media.map",
        absl::StrCat("map ", name,
                     ": it does not fit in the addresses of this process: a file may have ",
                     kLargestMapping,
                     " bytes (64T), and all that one process has open together "
                     "about 120T"));
  return core::Refusal(error_number, "media.map",
                       absl::StrCat("map ", name, ": ", pmem2_errormsg()));
}

absl::Status NoPart(uint64_t offset, uint64_t length, uint64_t size, const std::string& name) {
  return core::Refusal(EINVAL, "media.range",
                       absl::StrCat("map ", name, ": ", length, " bytes at ", offset,
                                    " are not a part of its ", size, " bytes"));
}

// Whether libpmem2 should map a file. Without DAX it must not: it puts the file over a reserved
// range with MAP_SYNC, and again without. If the first fails in the file system (ext4, xfs), the
// kernel has already freed the range, and the second replaces what another thread has mapped there
// meanwhile: its heap lies in the file then.
bool MayBeDax(int fd) {
  if (std::getenv("PMEM2_FORCE_GRANULARITY") != nullptr) return true;  // libpmem2's own switch
  void* const at = mmap(nullptr, kPage, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
  if (at == MAP_FAILED) return false;
  munmap(at, kPage);
  return true;
}

// As mmap, at an address that suits huge pages.
void* MapAligned(uint64_t length, int protection, int fd, uint64_t offset) {
  if (length < kHugePage) return mmap(nullptr, length, protection, MAP_SHARED, fd, offset);
  void* const reserved = mmap(nullptr, length + kHugePage, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return MAP_FAILED;
  auto* const begin = static_cast<std::byte*>(reserved);
  std::byte* const end = begin + length + kHugePage;
  std::byte* const at = begin + (RoundUp(reinterpret_cast<uintptr_t>(begin), kHugePage) -
                                 reinterpret_cast<uintptr_t>(begin));
  // If this fails, the range may be another thread's by now: it stays.
  if (mmap(at, length, protection, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED)
    return MAP_FAILED;
  if (at > begin) munmap(begin, at - begin);
  if (at + length < end) munmap(at + length, end - (at + length));
  return at;
}

struct ConfigDeleter {
  void operator()(pmem2_config* config) const { pmem2_config_delete(&config); }
};
using Config = std::unique_ptr<pmem2_config, ConfigDeleter>;

}  // namespace

absl::StatusOr<std::unique_ptr<Pmem2Mapping>> Pmem2Mapping::Make(int fd, uint64_t offset,
                                                                 uint64_t length, bool read_only,
                                                                 const std::string& name,
                                                                 pmem2_granularity granularity) {
  std::unique_ptr<Pmem2Mapping> mapping(new Pmem2Mapping());
  mapping->fd_ = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (mapping->fd_ < 0)
    return core::Refusal(errno, "media.map", absl::StrCat("map ", name, ": no descriptor for it"));
  RETURN_IF_ERROR(mapping->FindKind(name));
  if (mapping->kind_ == Kind::kBlock || mapping->kind_ == Kind::kPhysical ||
      (mapping->kind_ == Kind::kRegular && !MayBeDax(mapping->fd_))) {
    if (mapping->kind_ != Kind::kPhysical) granularity = PMEM2_GRANULARITY_PAGE;
    RETURN_IF_ERROR(mapping->MapHere(offset, length, read_only, granularity, name));
  } else {
    RETURN_IF_ERROR(mapping->MapThroughLibrary(offset, length, read_only, name));
  }
  // A process that locks its memory should not lock the media.
  munlock(pmem2_map_get_address(mapping->map_), pmem2_map_get_size(mapping->map_));
  mapping->granularity_ = pmem2_map_get_store_granularity(mapping->map_);
  mapping->flush_ = pmem2_get_flush_fn(mapping->map_);
  mapping->drain_ = pmem2_get_drain_fn(mapping->map_);
  mapping->copy_ = pmem2_get_memcpy_fn(mapping->map_);
  return mapping;
}

absl::Status Pmem2Mapping::FindKind(const std::string& name) {
  struct stat status;
  if (fstat(fd_, &status) != 0)
    return core::Refusal(errno, "media.map", absl::StrCat("stat ", name, ": ", strerror(errno)));
  if (S_ISBLK(status.st_mode))
    kind_ = Kind::kBlock;
  else if (S_ISCHR(status.st_mode))
    kind_ = status.st_rdev == kPhysicalMemory ? Kind::kPhysical : Kind::kDevdax;
  return absl::OkStatus();
}

absl::Status Pmem2Mapping::MapThroughLibrary(uint64_t offset, uint64_t length, bool read_only,
                                             const std::string& name) {
  size_t file_size = 0;
  size_t alignment = 0;
  if (int error = pmem2_source_from_fd(&source_, fd_); error != 0) return MapError(name, error);
  if (int error = pmem2_source_size(source_, &file_size); error != 0) return MapError(name, error);
  if (int error = pmem2_source_alignment(source_, &alignment); error != 0)
    return MapError(name, error);
  if (length == 0 || !Fits(offset, length, file_size))
    return NoPart(offset, length, file_size, name);

  pmem2_config* raw_config = nullptr;
  if (int error = pmem2_config_new(&raw_config); error != 0) return MapError(name, error);
  const Config config(raw_config);
  // Requesting page granularity accepts any granularity; the map then tells the actual one.
  pmem2_config_set_required_store_granularity(config.get(), PMEM2_GRANULARITY_PAGE);
  pmem2_config_set_protection(config.get(),
                              read_only ? PMEM2_PROT_READ : PMEM2_PROT_READ | PMEM2_PROT_WRITE);
  // Offset and length must be aligned; only a map that names no length may end in the middle of a
  // page, at the end of the file.
  const uint64_t start = RoundDown(offset, alignment);
  const uint64_t end = RoundUp(offset + length, alignment);
  pmem2_config_set_offset(config.get(), start);
  if (end <= file_size) pmem2_config_set_length(config.get(), end - start);
  if (int error = pmem2_map_new(&map_, config.get(), source_); error != 0)
    return MapError(name, error);
  base_ = static_cast<std::byte*>(pmem2_map_get_address(map_)) + (offset - start);
  return absl::OkStatus();
}

absl::Status Pmem2Mapping::MapHere(uint64_t offset, uint64_t length, bool read_only,
                                   pmem2_granularity granularity, const std::string& name) {
  // The end of physical memory cannot be queried.
  uint64_t size = uint64_t{1} << 62;
  if (kind_ != Kind::kPhysical) {
    const off_t end = lseek(fd_, 0, SEEK_END);
    if (end < 0)
      return core::Refusal(errno, "media.map",
                           absl::StrCat("size of ", name, ": ", strerror(errno)));
    size = static_cast<uint64_t>(end);
  }
  if (length == 0 || !Fits(offset, length, size)) return NoPart(offset, length, size, name);
  const uint64_t start = RoundDown(offset, kPage);
  mapped_bytes_ = RoundUp(offset + length, kPage) - start;
  void* address =
      MapAligned(mapped_bytes_, read_only ? PROT_READ : PROT_READ | PROT_WRITE, fd_, start);
  if (address == MAP_FAILED && errno == ENOMEM) return MapError(name, -ENOMEM);
  if (address == MAP_FAILED)
    return core::Refusal(
        errno, "media.map",
        absl::StrCat("map ", name, ": ", strerror(errno),
                     kind_ == Kind::kPhysical && errno == EPERM
                         ? ". The kernel itself uses these addresses: unbind its driver from them"
                         : ""));
  mapped_here_ = address;
  if (int error = pmem2_source_from_anon(&source_, mapped_bytes_); error != 0)
    return MapError(name, error);
  if (int error = pmem2_map_from_existing(&map_, source_, mapped_here_, mapped_bytes_, granularity);
      error != 0)
    return MapError(name, error);
  base_ = static_cast<std::byte*>(mapped_here_) + (offset - start);
  return absl::OkStatus();
}

int Pmem2Mapping::Renew(uint64_t offset, uint64_t length) const {
  const posix::Descriptor disk(
      open(absl::StrCat("/proc/self/fd/", fd_).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
  if (disk.get() < 0) return errno;
  constexpr size_t kStep = 64 << 10;
  alignas(4096) static constexpr std::byte kZeros[kStep] = {};
  while (length > 0) {
    const ssize_t done =
        pwrite(disk.get(), kZeros, std::min<uint64_t>(length, kStep), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : EIO;
    offset += static_cast<uint64_t>(done);
    length -= static_cast<uint64_t>(done);
  }
  return 0;
}

int Pmem2Mapping::DeepFlush() const {
  return pmem2_deep_flush(map_, pmem2_map_get_address(map_), pmem2_map_get_size(map_));
}

Pmem2Mapping::~Pmem2Mapping() {
  if (map_ != nullptr) pmem2_map_delete(&map_);
  if (source_ != nullptr) pmem2_source_delete(&source_);
  if (mapped_here_ != nullptr) munmap(mapped_here_, mapped_bytes_);
  if (fd_ >= 0) close(fd_);
}

}  // namespace nvdimmfs::backends
