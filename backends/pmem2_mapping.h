// SPDX-License-Identifier: Apache-2.0
// libpmem2's three objects (source, config, map) for a part of one file or device, owned together.
//
// libpmem2 maps regular files and device-dax itself. Block devices and physical memory are mapped
// here and then passed to it (pmem2_map_from_existing).
//
// Thread rules: constant once made.
#ifndef NVDIMMFS_BACKENDS_PMEM2_MAPPING_H_
#define NVDIMMFS_BACKENDS_PMEM2_MAPPING_H_

#include <libpmem2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace nvdimmfs::backends {

class Pmem2Mapping {
 public:
  enum class Kind {
    kRegular,
    kDevdax,
    kBlock,     // through the page cache of the device
    kPhysical,  // /dev/mem: offsets are physical addresses
  };

  // Maps bytes [offset, offset + length) of `fd`, whose descriptor is duplicated. `granularity` is
  // that of physical memory; for all others libpmem2 determines it. Contract as Pmem2Media::Map.
  static absl::StatusOr<std::unique_ptr<Pmem2Mapping>> Make(
      int fd, uint64_t offset, uint64_t length, bool read_only, const std::string& name,
      pmem2_granularity granularity = PMEM2_GRANULARITY_CACHE_LINE);
  ~Pmem2Mapping();
  Pmem2Mapping(const Pmem2Mapping&) = delete;
  Pmem2Mapping& operator=(const Pmem2Mapping&) = delete;

  std::byte* base() const { return base_; }  // byte `offset` of the file
  int fd() const { return fd_; }
  Kind kind() const { return kind_; }
  // Whether CPU flushes reach the media: granularity byte or cache line.
  bool is_dax() const { return granularity_ != PMEM2_GRANULARITY_PAGE; }

  // Meaningful on DAX only: with page granularity libpmem2's functions are msync.
  pmem2_flush_fn flush() const { return flush_; }
  pmem2_drain_fn drain() const { return drain_; }
  pmem2_memcpy_fn copy() const { return copy_; }
  // Device-dax: the region's own flush, if it has one. Returns 0 or libpmem2's code.
  int DeepFlush() const;
  // Block device: overwrites whole sectors (offsets from the start of the file) with zeros,
  // bypassing the page cache, which would have to read the page first. That makes bad sectors of a
  // pmem disk good. Returns 0 or an errno, EIO if it fails.
  int Renew(uint64_t offset, uint64_t length) const;

 private:
  Pmem2Mapping() = default;
  absl::Status FindKind(const std::string& name);
  absl::Status MapThroughLibrary(uint64_t offset, uint64_t length, bool read_only,
                                 const std::string& name);
  absl::Status MapHere(uint64_t offset, uint64_t length, bool read_only,
                       pmem2_granularity granularity, const std::string& name);

  int fd_ = -1;
  Kind kind_ = Kind::kRegular;
  void* mapped_here_ = nullptr;  // mapped by MapHere; libpmem2 does not unmap it
  size_t mapped_bytes_ = 0;
  pmem2_source* source_ = nullptr;
  pmem2_map* map_ = nullptr;
  std::byte* base_ = nullptr;
  pmem2_granularity granularity_ = PMEM2_GRANULARITY_PAGE;
  pmem2_flush_fn flush_ = nullptr;
  pmem2_drain_fn drain_ = nullptr;
  pmem2_memcpy_fn copy_ = nullptr;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_PMEM2_MAPPING_H_
