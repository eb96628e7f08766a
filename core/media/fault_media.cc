// SPDX-License-Identifier: Apache-2.0
#include "core/media/fault_media.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/media/seeded_choice.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSector = 512, kWord = 8;
constexpr absl::Duration kLongestNap = absl::Milliseconds(10);

// What a seed decides about an access: whether the rule hits it, how long it waits, and how a write
// is torn.
enum : uint64_t { kHitKind, kTimeKind, kTearKind, kKinds };

uint64_t Decide(uint64_t seed, size_t rule, uint64_t kind, uint64_t nth) {
  return SeededChoice(seed).Number(rule * kKinds + kind, nth);
}

}  // namespace

void FaultMedia::SetRules(FaultRules rules) {
  auto next = std::make_shared<Active>();
  for (const FaultRule& rule : rules.rules) next->each.push_back(std::make_unique<Rule>(rule));
  next->rules = std::move(rules);
  absl::MutexLock lock(&mutex_);
  active_ = std::move(next);
}

std::shared_ptr<FaultMedia::Active> FaultMedia::active() const {
  absl::MutexLock lock(&mutex_);
  return active_;
}

FaultRules FaultMedia::rules() const { return active()->rules; }

std::string FaultMedia::CountsText() const {
  return absl::StrCat("faults_delayed ", delayed_.load(), "\nfaults_eio ", eio_.load(),
                      "\nfaults_enospc ", enospc_.load(), "\nfaults_torn ", torn_.load(), "\n");
}

bool FaultMedia::Hits(const Active& active, size_t index, unsigned operation, const Range& range,
                      uint64_t& nth) {
  Rule& rule = *active.each[index];
  const FaultRule& what = rule.what;
  if ((what.operations & operation) == 0 || what.kind == FaultKind::kPoison) return false;
  if (what.range) return what.range->Overlaps(range);
  if (what.kind == FaultKind::kSpace) {
    // What is refused takes no space.
    uint64_t written = rule.written.load(std::memory_order_relaxed);
    do {
      if (range.size > what.space - written) return true;
    } while (!rule.written.compare_exchange_weak(written, written + range.size,
                                                 std::memory_order_relaxed));
    return false;
  }
  nth = rule.seen.fetch_add(1, std::memory_order_relaxed);
  return Decide(active.rules.seed, index, kHitKind, nth) % FaultRule::kAlways < what.rate;
}

// Disabling the namespace waits for the access, and the configuration lock with it.
void FaultMedia::Wait(uint64_t us) const {
  const absl::Time end = absl::Now() + absl::Microseconds(us);
  do {
    absl::SleepFor(std::min(end - absl::Now(), kLongestNap));
  } while (absl::Now() < end && (ended_ == nullptr || !ended_()));
}

absl::Status FaultMedia::Ask(unsigned operation, absl::string_view verb, const Range& range,
                             uint64_t* torn) const {
  const std::shared_ptr<Active> active = this->active();
  const auto refuse = [&](int error, absl::string_view reason, std::atomic<uint64_t>& count) {
    count.fetch_add(1, std::memory_order_relaxed);
    return Refusal(error, reason,
                   absl::StrCat(verb, " ", range.size, " bytes at ", range.start, " of ", name_,
                                ": a fault that was injected by x/faults"));
  };
  for (size_t i = 0; i < active->each.size(); ++i) {
    uint64_t nth = 0;
    if (!Hits(*active, i, operation, range, nth)) continue;
    const Rule& rule = *active->each[i];
    switch (rule.what.kind) {
      case FaultKind::kLatency: {
        delayed_.fetch_add(1, std::memory_order_relaxed);
        const uint64_t spread = rule.what.most_us - rule.what.least_us + 1;
        const uint64_t us =
            rule.what.least_us + Decide(active->rules.seed, i, kTimeKind, nth) % spread;
        Wait(us);
        break;
      }
      case FaultKind::kEio:
        return refuse(EIO, "fault.eio", eio_);
      case FaultKind::kEnospc:
      case FaultKind::kSpace:
        return refuse(ENOSPC, "fault.enospc", enospc_);
      case FaultKind::kTorn:
        if (torn != nullptr) *torn = Decide(active->rules.seed, i, kTearKind, nth);
        return refuse(EIO, "fault.torn", torn_);
      case FaultKind::kPoison:
        break;
    }
  }
  return absl::OkStatus();
}

absl::Status FaultMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(Ask(FaultRule::kRead, "read", {offset, out.size()}));
  return base_.Read(offset, out);
}

// Stores everything before one sector, some of the words of that sector, and nothing after it.
absl::Status FaultMedia::TearWrite(uint64_t offset, absl::Span<const std::byte> data,
                                   uint64_t number) {
  const SeededChoice choice(number);
  const uint64_t end = offset + data.size();
  const uint64_t first = offset / kSector;
  const uint64_t sectors = (end - 1) / kSector - first + 1;
  const uint64_t torn = (first + choice.Number(0, 0) % sectors) * kSector;
  if (torn > offset) RETURN_IF_ERROR(base_.WriteThrough(offset, data.first(torn - offset)));
  for (uint64_t word = torn; word < torn + kSector; word += kWord) {
    const uint64_t from = std::max(word, offset), to = std::min(word + kWord, end);
    if (from >= to || choice.Number(1, word) % 2 == 0) continue;
    RETURN_IF_ERROR(base_.WriteThrough(from, data.subspan(from - offset, to - from)));
  }
  return absl::OkStatus();
}

template <typename Store>
absl::Status FaultMedia::Stored(uint64_t offset, absl::Span<const std::byte> data,
                                const Store& store) {
  uint64_t torn = 0;
  const absl::Status status = Ask(FaultRule::kWrite, "write", {offset, data.size()}, &torn);
  if (status.ok()) return store();
  if (ReasonOf(status) == "fault.torn" && !data.empty())
    RETURN_IF_ERROR(TearWrite(offset, data, torn));
  return status;
}

absl::Status FaultMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return Stored(offset, data, [&] { return base_.Write(offset, data); });
}

absl::Status FaultMedia::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  return Stored(offset, data, [&] { return base_.WriteThrough(offset, data); });
}

absl::Status FaultMedia::Store32(uint64_t offset, uint32_t value) {
  std::array<std::byte, sizeof value> bytes;
  StoreLe(bytes.data(), value);
  return Stored(offset, bytes, [&] { return base_.Store32(offset, value); });
}

absl::Status FaultMedia::Store64(uint64_t offset, uint64_t value) {
  std::array<std::byte, sizeof value> bytes;
  StoreLe(bytes.data(), value);
  return Stored(offset, bytes, [&] { return base_.Store64(offset, value); });
}

absl::Status FaultMedia::Flush() {
  RETURN_IF_ERROR(Ask(FaultRule::kFlush, "flush", {0, size()}));
  return base_.Flush();
}

absl::Status FaultMedia::Punch(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(Ask(FaultRule::kWrite, "discard", {offset, length}));
  return base_.Punch(offset, length);
}

}  // namespace nvdimmfs::core
