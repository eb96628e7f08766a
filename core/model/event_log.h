// SPDX-License-Identifier: Apache-2.0
// The events of one mount: the latest ones, for x/events, and how often each happened, for
// x/metrics.
//
// A storm of equal events (the same kind, object and reason) is one entry with a count: those
// within kWindow of the first are added to it. At most kKept entries are kept; the oldest go first,
// and the texts say how many went.
//
// Thread rules: any thread. Add takes one innermost lock, and waits for nothing. The listener is
// called on a thread of the log's own.
#ifndef NVDIMMFS_CORE_MODEL_EVENT_LOG_H_
#define NVDIMMFS_CORE_MODEL_EVENT_LOG_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/event.h"
#include "core/base/timer_queue.h"

namespace nvdimmfs::core {

class EventLog final : public EventSink {
 public:
  static constexpr size_t kKept = 256;                          // entries
  static constexpr size_t kMostObjects = 1024;                  // that are counted by name
  static constexpr absl::Duration kWindow = absl::Seconds(10);  // of equal events
  static constexpr absl::Duration kRepeatDelay = absl::Seconds(1);
  static constexpr size_t kMostText = 1024;  // bytes of an object or a sentence

  using Clock = std::function<absl::Time()>;
  // From here on, until it is destroyed, it is the sink of all events of the process. `clock` is
  // for tests.
  explicit EventLog(Clock clock = absl::Now);
  ~EventLog() override;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void Add(const EventReport& report) override ABSL_LOCKS_EXCLUDED(mutex_);

  // `changed` is called at once after a new entry, and within kRepeatDelay after an entry's count
  // has grown. Null: from its return on, the previous one is not called any more. Do not hold a
  // lock that `changed` takes.
  void SetListener(std::function<void()> changed) ABSL_LOCKS_EXCLUDED(listener_mutex_);

  // One line for each entry, oldest first:
  //   7 2026-12-01T10:58:03.120Z error io.read_failed dev/pmem0 SENTENCE [media.poison]
  // and " (3 times, last at 2026-12-01T10:58:09.003Z)" at its end if there were several. The object
  // is quoted as for a shell, "-" if there is none. The first line is "# N older events are gone"
  // if so.
  std::string Text() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The same as a JSON object on each line, and {"gone":N} in the first.
  std::string JsonLines() const ABSL_LOCKS_EXCLUDED(mutex_);

  struct Count {
    std::string object;
    Event event = {};
    uint64_t events = 0;
  };
  // How many events there were of each kind, in the order of EventKinds.
  std::vector<uint64_t> CountsByKind() const ABSL_LOCKS_EXCLUDED(mutex_);
  // And of each object that had any; after kMostObjects, further ones count as "".
  std::vector<Count> CountsByObject() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    uint64_t number = 0;  // from 1, without gaps
    const EventKind* kind = nullptr;
    std::string object;
    std::string reason;
    std::string sentence;
    absl::Time first, last;
    uint64_t count = 1;
  };
  using Key = std::tuple<Event, std::string, std::string>;  // object, reason

  void CountLocked(const EventReport& report, const std::string& object)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What the listener is to be told of.
  enum class News { kNone, kEntry, kRepeat };
  News AddLocked(const EventReport& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_, listener_mutex_);
  uint64_t gone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return next_ - 1 - kept_.size(); }

  const Clock clock_;
  EventSink* const before_;
  mutable absl::Mutex mutex_;
  std::deque<Entry> kept_ ABSL_GUARDED_BY(mutex_);  // consecutive numbers
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<Key, uint64_t> latest_ ABSL_GUARDED_BY(mutex_);  // the number of the latest entry kept
  std::vector<uint64_t> by_kind_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<uint64_t>> by_object_ ABSL_GUARDED_BY(mutex_);
  // Whether a call of the listener is under way for that.
  bool entry_is_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool repeat_is_due_ ABSL_GUARDED_BY(mutex_) = false;

  absl::Mutex listener_mutex_;
  std::function<void()> changed_ ABSL_GUARDED_BY(listener_mutex_);
  TimerQueue timers_;  // has a lock of its own
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_EVENT_LOG_H_
