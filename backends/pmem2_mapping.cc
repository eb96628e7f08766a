#include "backends/pmem2_mapping.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/range.h"
#include "core/status.h"

namespace nvdimmfs::backends {
namespace {

using core::Fits;
using core::RoundDown;
using core::RoundUp;

// libpmem2 answers with a negative errno or one of its own codes (from -100000 down).
absl::Status MapError(const std::string& name, int error) {
  const int error_number = error < 0 && error > -4096 ? -error : EINVAL;
  return core::Refusal(error_number, "media.map",
                       absl::StrCat("map ", name, ": ", pmem2_errormsg()));
}

struct ConfigDeleter {
  void operator()(pmem2_config* config) const { pmem2_config_delete(&config); }
};
using Config = std::unique_ptr<pmem2_config, ConfigDeleter>;

}  // namespace

absl::StatusOr<std::unique_ptr<Pmem2Mapping>> Pmem2Mapping::Make(int fd, uint64_t offset,
                                                                 uint64_t length, bool read_only,
                                                                 const std::string& name) {
  std::unique_ptr<Pmem2Mapping> mapping(new Pmem2Mapping());
  mapping->fd_ = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (mapping->fd_ < 0)
    return core::Refusal(errno, "media.map", absl::StrCat("map ", name, ": no descriptor for it"));

  size_t file_size = 0;
  size_t alignment = 0;
  if (int error = pmem2_source_from_fd(&mapping->source_, mapping->fd_); error != 0)
    return MapError(name, error);
  if (int error = pmem2_source_size(mapping->source_, &file_size); error != 0)
    return MapError(name, error);
  if (int error = pmem2_source_alignment(mapping->source_, &alignment); error != 0)
    return MapError(name, error);
  if (length == 0 || !Fits(offset, length, file_size))
    return core::Refusal(EINVAL, "media.range",
                         absl::StrCat("map ", name, ": ", length, " bytes at ", offset,
                                      " are not a part of its ", file_size, " bytes"));

  pmem2_config* raw_config = nullptr;
  if (int error = pmem2_config_new(&raw_config); error != 0) return MapError(name, error);
  const Config config(raw_config);
  // Asking for page granularity takes whatever there is; the map then tells what it is.
  pmem2_config_set_required_store_granularity(config.get(), PMEM2_GRANULARITY_PAGE);
  pmem2_config_set_protection(config.get(),
                              read_only ? PMEM2_PROT_READ : PMEM2_PROT_READ | PMEM2_PROT_WRITE);
  // Offset and length must be aligned; only a map that names no length may end in the middle of a
  // page, at the end of the file.
  const uint64_t start = RoundDown(offset, alignment);
  const uint64_t end = RoundUp(offset + length, alignment);
  pmem2_config_set_offset(config.get(), start);
  if (end <= file_size) pmem2_config_set_length(config.get(), end - start);
  if (int error = pmem2_map_new(&mapping->map_, config.get(), mapping->source_); error != 0)
    return MapError(name, error);

  mapping->base_ = static_cast<std::byte*>(pmem2_map_get_address(mapping->map_)) + (offset - start);
  mapping->granularity_ = pmem2_map_get_store_granularity(mapping->map_);
  mapping->flush_ = pmem2_get_flush_fn(mapping->map_);
  mapping->drain_ = pmem2_get_drain_fn(mapping->map_);
  mapping->copy_ = pmem2_get_memcpy_fn(mapping->map_);
  return mapping;
}

Pmem2Mapping::~Pmem2Mapping() {
  if (map_ != nullptr) pmem2_map_delete(&map_);
  if (source_ != nullptr) pmem2_source_delete(&source_);
  if (fd_ >= 0) close(fd_);
}

}  // namespace nvdimmfs::backends
