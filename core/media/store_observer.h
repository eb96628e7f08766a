// SPDX-License-Identifier: Apache-2.0
// Is told of every store and fence below a PowerSupply, in order.
#ifndef NVDIMMFS_CORE_MEDIA_STORE_OBSERVER_H_
#define NVDIMMFS_CORE_MEDIA_STORE_OBSERVER_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "core/base/range.h"

namespace nvdimmfs::core {

enum class FenceKind { kDrain, kFlush };

// Thread rules: called under one lock, from any thread; must not call back. `line` and `thread` are
// PowerSupply's. Only what succeeded is reported; a fence is reported before it
// takes effect.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;
  virtual void Stored(size_t line, uint64_t offset, absl::Span<const std::byte> data, bool pushed,
                      uint64_t thread) = 0;
  virtual void Pushed(size_t line, const Range& range, uint64_t thread) = 0;
  virtual void Punched(size_t line, const Range& range) = 0;
  virtual void Fenced(size_t line, FenceKind kind, uint64_t thread) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_STORE_OBSERVER_H_
