// SPDX-License-Identifier: Apache-2.0
// The power of all media of one source, which can fail at a fence: a Drain or a Flush.
//
// Stores reach the media below at once, so that an unmount, or a killed daemon, leaves what it
// would leave without a PowerSupply. The supply remembers what a cut may lose. At the fence where
// the power fails, the words that do not arrive get an older value back; from then on every access
// is refused with EIO, "media.power_cut".
//
// A word becomes durable by a Push and a later Drain of the same thread, or by a Flush, which
// covers what any thread has pushed: a request that was answered left nothing in its CPU's buffers.
// A store that makes bad bytes good is durable at once, since their old state cannot be restored.
//
// Fences are numbered from 1, over all media, in the order in which they happen. With one client
// that waits for each answer, the same operations have the same numbers, and the same seed loses
// the same words.
//
// Thread rules: any thread. Stores and fences take one lock.
#ifndef NVDIMMFS_CORE_MEDIA_POWER_SUPPLY_H_
#define NVDIMMFS_CORE_MEDIA_POWER_SUPPLY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "core/media/media.h"
#include "core/media/store_observer.h"
#include "core/media/undurable_words.h"

namespace nvdimmfs::core {

class PowerSupply : public std::enable_shared_from_this<PowerSupply> {
 public:
  struct Options {
    uint64_t cut_at = 0;  // the fence at which power fails; 0: never
    uint64_t seed = 0;    // which words arrive
    std::shared_ptr<StoreObserver> observer = nullptr;
    bool flushes_base = true;  // false: fences order, but do not reach the base
  };
  explicit PowerSupply(Options options) : options_(std::move(options)) {}

  // A Media that stores to `base` and whose power can fail. Nothing else may store to `base`. Its
  // line is the number of the call, from 0.
  std::shared_ptr<Media> Feed(std::shared_ptr<Media> base);

  size_t lines() const;
  // Fences so far, the one that cut the power included.
  uint64_t fences() const { return fences_.load(std::memory_order_relaxed); }
  bool is_cut() const { return cut_.load(std::memory_order_acquire); }
  size_t undurable_words() const;
  // The content of x/fences: one number per line.
  std::string Text() const;

  // Decides what a cut now, at the fence after those so far, would leave: calls each(line, offset,
  // bytes) for everything that would differ from what the media show now. Returns the number of
  // words that may have been lost.
  using PutBack = std::function<void(size_t, uint64_t, absl::Span<const std::byte>)>;
  size_t Tear(uint64_t seed, const PutBack& each) const;

  // --- For the Media of a line. ---

  // `thread` is the number of the calling thread.
  absl::Status Check() const;
  absl::Status Store(size_t line, uint64_t offset, absl::Span<const std::byte> data, bool pushed,
                     uint64_t thread);
  // One word, by the base's own instruction for it.
  absl::Status StoreWord(size_t line, uint64_t offset, absl::Span<const std::byte> word,
                         bool pushed, uint64_t thread);
  absl::Status Push(size_t line, uint64_t offset, uint64_t length, uint64_t thread);
  absl::Status Punch(size_t line, uint64_t offset, uint64_t length);
  absl::Status Fence(size_t line, FenceKind kind, uint64_t thread);

 private:
  struct Line {
    std::shared_ptr<Media> base;
    UndurableWords words;
  };

  absl::Status Apply(size_t line, uint64_t offset, absl::Span<const std::byte> data, bool pushed,
                     uint64_t thread, const std::function<absl::Status(Media&)>& store);
  absl::Status Cut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t TearLocked(uint64_t seed, uint64_t fence, const PutBack& each) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Refused() const;

  const Options options_;
  std::atomic<uint64_t> fences_{0};
  std::atomic<bool> cut_{false};
  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Line>> lines_ ABSL_GUARDED_BY(mutex_);
  size_t torn_words_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_POWER_SUPPLY_H_
