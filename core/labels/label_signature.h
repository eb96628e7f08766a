// SPDX-License-Identifier: Apache-2.0
// Whether bytes have the signature of a label area's index block: a cheap test for searches in many
// places.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_SIGNATURE_H_
#define NVDIMMFS_CORE_LABELS_LABEL_SIGNATURE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "core/labels/label_format.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

// Reads 16 bytes at `offset`; false if they cannot be read.
inline bool HasIndexSignature(const Media& media, uint64_t offset) {
  std::array<char, kIndexSignature.size()> found;
  const auto bytes = absl::MakeSpan(reinterpret_cast<std::byte*>(found.data()), found.size());
  return media.Peek(offset, bytes).ok() && found == kIndexSignature;
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_SIGNATURE_H_
