// SPDX-License-Identifier: Apache-2.0
// A mapped Media, to be read without asking it: for those to whom the call is most of a read.
//
// Valid for as long as the Media lives. What such a reader does not get is a reason: where anything
// is out of the ordinary it calls Media::Read, which says what.
// Thread rules: any thread. Loads race with the Media's stores; the owner of those orders these,
// too.
#ifndef NVDIMMFS_CORE_MEDIA_DIRECT_VIEW_H_
#define NVDIMMFS_CORE_MEDIA_DIRECT_VIEW_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nvdimmfs::core {

struct DirectView {
  // Byte 0 of the Media; null where there is no view. Not to be dereferenced: a page may be gone.
  const std::byte* base = nullptr;
  // While it is true no byte is known to be bad.
  const std::atomic<bool>* sound = nullptr;
  // Both are false where a page is gone; what was copied is then unknown.
  bool (*copy)(void* to, const void* from, size_t length) = nullptr;
  bool (*load32)(uint32_t* value, const void* aligned) = nullptr;  // in one load, as it lies there

  bool usable() const { return base != nullptr && sound->load(std::memory_order_acquire); }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_DIRECT_VIEW_H_
