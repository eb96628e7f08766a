// SPDX-License-Identifier: Apache-2.0
// Events: what the owner of a mount should be able to watch for. A flush that failed, bytes that
// went bad, an arena that takes no more writes, a recovery.
//
// One table declares every kind: its name, its id for journald, its level. The log, x/events, the
// counters of x/metrics, nvdimmfs-tree(7) and the tests use it. The meaning of a name is in
// tools/docs/reasons.cc, as for every reason.
//
// An event is also a line of the log (core/base/log.h), so code that reports one does not log it as
// well. As there, the code names no destination: the program sets one sink at its start. Without a
// sink, an event is only logged.
//
// Thread rules: any thread, with any lock held. A sink takes no lock of its caller and never waits.
#ifndef NVDIMMFS_CORE_BASE_EVENT_H_
#define NVDIMMFS_CORE_BASE_EVENT_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/log.h"

namespace nvdimmfs::core {

enum class Event : uint8_t {
  kFlushFailed,
  kReadFailed,
  kWriteFailed,
  kNoSpace,
  kWentBad,
  kHealed,
  kPowerCut,
  kSourceLost,
  kImageGone,
  kArenaReadOnly,
  kArenaRecovered,
  kInfoRestored,
  kIndexLost,
  kLabelsDamaged,
  kLabelWriteFailed,
  kFaultsSet,
};

struct EventKind {
  Event event;
  absl::string_view name;        // stable and dotted: "flush.failed"
  absl::string_view message_id;  // journald's MESSAGE_ID: 32 hexadecimal digits, never reused
  LogLevel level;
};

// All of them, in the order of Event.
absl::Span<const EventKind> EventKinds();
inline const EventKind& KindOf(Event event) { return EventKinds()[static_cast<size_t>(event)]; }

struct EventReport {
  const EventKind& kind;
  absl::string_view object;    // "dev/pmem0", "btt0.0", the path of an image; "": the whole mount
  absl::string_view reason;    // why, as a reason of core/base/status.h; "": the name says it
  absl::string_view sentence;  // what was tried, on what, what happened
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Add(const EventReport& report) = 0;
};

// As SetLogSink: null drops events, and the previous sink must outlive the calls in flight.
EventSink* SetEventSink(EventSink* sink);

// Passes the event to the sink and to the log, there as "OBJECT: SENTENCE".
void Report(Event event, absl::string_view object, absl::string_view reason,
            absl::string_view sentence);
// The same with the reason and the sentence of a refusal.
void ReportRefusal(Event event, absl::string_view object, const absl::Status& refusal);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_EVENT_H_
