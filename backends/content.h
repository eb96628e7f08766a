// SPDX-License-Identifier: Apache-2.0
// What a store starts with, and where that ends according to its own header: a file system, a
// partition table, swap space, an encrypted volume. Checked before the end of a store is used for
// something else.
#ifndef NVDIMMFS_BACKENDS_CONTENT_H_
#define NVDIMMFS_BACKENDS_CONTENT_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "core/media/media.h"

namespace nvdimmfs::backends {

struct Content {
  // For content that does not state its end and so is assumed to extend to the end of the store.
  static constexpr uint64_t kToTheEnd = std::numeric_limits<uint64_t>::max();

  std::string what;  // "an ext4 file system"
  uint64_t end = 0;  // bytes from the store's start
};

// The content that extends furthest; nothing if none is recognised. Numbers from the media are only
// compared; nothing is read or written at them. Unreadable bytes do not count. Thread rules: any
// thread; reads `store` only.
std::optional<Content> FindContent(const core::Media& store);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_CONTENT_H_
