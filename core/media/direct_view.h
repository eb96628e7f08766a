// SPDX-License-Identifier: Apache-2.0
// Direct read access to a mapped Media, for readers to whom the virtual call is most of the cost.
//
// Valid for as long as the Media lives. A direct read does not say why it failed: on any failure
// the reader calls Media::Read, which does. Thread rules: any thread. Loads race with the Media's
// stores; the code that orders the stores must order these loads, too.
#ifndef NVDIMMFS_CORE_MEDIA_DIRECT_VIEW_H_
#define NVDIMMFS_CORE_MEDIA_DIRECT_VIEW_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nvdimmfs::core {

struct DirectView {
  // Byte 0 of the Media; null if there is no view. Do not dereference it: a page may be gone.
  const std::byte* base = nullptr;
  // While true, no byte is known to be bad.
  const std::atomic<bool>* sound = nullptr;
  // Both return false if a page is gone; the destination is then unspecified.
  bool (*copy)(void* to, const void* from, size_t length) = nullptr;
  bool (*load32)(uint32_t* value, const void* aligned) = nullptr;  // one load, as on media

  bool usable() const { return base != nullptr && sound->load(std::memory_order_acquire); }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_DIRECT_VIEW_H_
