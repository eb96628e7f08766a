// SPDX-License-Identifier: Apache-2.0
// What begins a store, and how far that reaches by its own account: a file system, a partition
// table, swap space, an encrypted volume. Asked before the end of a store is taken for something
// else.
#ifndef NVDIMMFS_BACKENDS_CONTENT_H_
#define NVDIMMFS_BACKENDS_CONTENT_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "core/media/media.h"

namespace nvdimmfs::backends {

struct Content {
  // Of what does not say where it ends, and so takes all there is.
  static constexpr uint64_t kToTheEnd = std::numeric_limits<uint64_t>::max();

  std::string what;  // "an ext4 file system"
  uint64_t end = 0;  // bytes from the store's start
};

// The content that reaches furthest; nothing where none is known. Every number is the media's own
// word: it is compared, and nothing is read or written at it. Bytes that cannot be read hold
// nothing. Thread rules: any thread; reads `store` only.
std::optional<Content> FindContent(const core::Media& store);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_CONTENT_H_
