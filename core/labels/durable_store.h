// SPDX-License-Identifier: Apache-2.0
// The only way in which label areas are written.
#ifndef NVDIMMFS_CORE_LABELS_DURABLE_STORE_H_
#define NVDIMMFS_CORE_LABELS_DURABLE_STORE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

// Durable on the device when it returns.
inline absl::Status WriteDurably(Media& media, uint64_t offset, absl::Span<const std::byte> bytes) {
  RETURN_IF_ERROR(media.WriteThrough(offset, bytes));
  RETURN_IF_ERROR(media.Drain());
  return media.Flush();
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_DURABLE_STORE_H_
