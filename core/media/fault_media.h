// SPDX-License-Identifier: Apache-2.0
// A Media whose accesses are slow or fail as FaultRules say; otherwise it acts as the one below.
//
// It has no mapping and lends no file, so nothing bypasses it. What happens to an access depends
// only on the seed, the rule and the number of accesses that the rule has seen: one client that
// waits for each answer gets the same faults again. Thread rules: any thread.
#ifndef NVDIMMFS_CORE_MEDIA_FAULT_MEDIA_H_
#define NVDIMMFS_CORE_MEDIA_FAULT_MEDIA_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/media/fault_rules.h"
#include "core/media/media.h"
#include "core/media/page_holes.h"

namespace nvdimmfs::core {

class FaultMedia final : public Media, public PageHoles {
 public:
  // `base` outlives it. `name` is the data file, for sentences. Once `ended` says so, nothing
  // waits.
  FaultMedia(Media& base, std::string name, std::function<bool()> ended = nullptr)
      : base_(base), name_(std::move(name)), ended_(std::move(ended)) {}

  // Applies to every access from now on; each rule counts its accesses from 0 again. Rules for
  // poison have no effect here: the caller injects it.
  void SetRules(FaultRules rules);
  FaultRules rules() const;
  // The numbers of faults injected so far, one per line: for x/stats.
  std::string CountsText() const;

  uint64_t size() const override { return base_.size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override {
    return base_.Push(offset, length);
  }
  absl::Status Drain() override { return base_.Drain(); }
  absl::Status Flush() override;
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  uint64_t hole_unit() const override { return HoleUnitOf(base_); }
  bool read_only() const override { return base_.read_only(); }
  bool IsPoisoned(uint64_t offset, uint64_t length) const override {
    return base_.IsPoisoned(offset, length);
  }
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override {
    return base_.ClearPoison(offset, length);
  }
  std::vector<Range> BadRanges() const override { return base_.BadRanges(); }
  absl::Status InjectPoison(const Range& range) override { return base_.InjectPoison(range); }
  void ObservePoison(std::weak_ptr<PoisonObserver> observer) override {
    base_.ObservePoison(std::move(observer));
  }

 private:
  struct Rule {
    explicit Rule(const FaultRule& rule) : what(rule) {}
    const FaultRule what;
    std::atomic<uint64_t> seen{0};     // accesses to which it might apply
    std::atomic<uint64_t> written{0};  // bytes: of `space`
  };
  struct Active {
    FaultRules rules;
    std::vector<std::unique_ptr<Rule>> each;
  };

  std::shared_ptr<Active> active() const;
  void Wait(uint64_t us) const;
  // Whether the rule hits this access, the `nth` to which it might apply.
  static bool Hits(const Active& active, size_t index, unsigned operation, const Range& range,
                   uint64_t& nth);
  // Waits, and refuses, as the rules for the operation say. If a write is to be torn, `torn`
  // gets the number that decides how.
  absl::Status Ask(unsigned operation, absl::string_view verb, const Range& range,
                   uint64_t* torn = nullptr) const;
  template <typename Store>
  absl::Status Stored(uint64_t offset, absl::Span<const std::byte> data, const Store& store);
  absl::Status TearWrite(uint64_t offset, absl::Span<const std::byte> data, uint64_t number);

  Media& base_;
  const std::string name_;
  const std::function<bool()> ended_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<Active> active_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Active>();
  mutable std::atomic<uint64_t> delayed_{0}, eio_{0}, enospc_{0}, torn_{0};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_FAULT_MEDIA_H_
