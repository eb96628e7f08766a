// SPDX-License-Identifier: Apache-2.0
// Memory in huge pages, if the kernel provides them on request
// (/sys/kernel/mm/transparent_hugepage/enabled: always or madvise); otherwise in ordinary ones.
//
// The kernel looks up each page that it copies from or to; here the pages are contiguous, and one
// entry of the page table leads to all of them. No page is allocated before it is touched.
// Thread rules: as plain memory.
#ifndef NVDIMMFS_FS_PROTOCOL_HUGE_BUFFER_H_
#define NVDIMMFS_FS_PROTOCOL_HUGE_BUFFER_H_

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>

#include "absl/types/span.h"

namespace nvdimmfs::fs {

class HugeBuffer {
 public:
  // `size` in bytes. The bytes added by rounding up are never touched here, but the kernel may use
  // them.
  explicit HugeBuffer(size_t size)
      : size_(size),
        bytes_(
            static_cast<std::byte*>(::operator new (RoundUp(size), std::align_val_t{kHugePage}))) {
    madvise(bytes_.get(), RoundUp(size), MADV_HUGEPAGE);  // advice: may be refused
  }

  absl::Span<std::byte> bytes() const { return {bytes_.get(), size_}; }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;
  static constexpr size_t RoundUp(size_t size) {
    return (size + kHugePage - 1) / kHugePage * kHugePage;
  }
  struct Delete {
    void operator()(std::byte* bytes) const {
      ::operator delete (bytes, std::align_val_t{kHugePage});
    }
  };

  const size_t size_;
  const std::unique_ptr<std::byte, Delete> bytes_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_HUGE_BUFFER_H_
