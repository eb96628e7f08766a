// SPDX-License-Identifier: Apache-2.0
// The log: what the owner of a running mount should know but no caller gets as an error. Damage
// found or repaired, refused I/O, the start and the end of a mount.
//
// Code here names no destination. The program sets a sink at its start (tools/log/program_log.h);
// messages without a sink are dropped, so libraries and unit tests stay silent.
//
// One event is one message: a level, an id and a sentence. The id is the stable dotted reason of
// core/base/status.h ("media.poison"). Scripts match it, and the sink limits the rate of each id,
// so a call may sit in a path that fails a million times a second. Do not log what the caller
// reports anyway: a refused attribute goes into x/last_error and its errno, not here.
//
// Thread rules: any thread, with any lock held. A sink takes no lock of its caller and never waits.
#ifndef NVDIMMFS_CORE_BASE_LOG_H_
#define NVDIMMFS_CORE_BASE_LOG_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/finding.h"

namespace nvdimmfs::core {

enum class LogLevel {
  kError,    // data or a request was refused or lost
  kWarning,  // something is damaged, or limited, but work continues
  kNotice,   // worth knowing: a finding, a recovery, an option without effect
  kInfo,     // the ordinary life of a mount: start, end
  kDebug,    // no rate limit; only if the user asked for it (-d)
};

// "error", "warning", "note", "info", "debug".
absl::string_view NameOf(LogLevel level);

struct EventKind;

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Write(LogLevel level, absl::string_view id, absl::string_view sentence) = 0;
  // The message of an event (core/base/event.h), whose kind says the level. By default the same as
  // any other.
  virtual void WriteEvent(const EventKind& kind, absl::string_view id, absl::string_view sentence);
};

// From now on messages go to `sink`; null drops them. Returns the previous sink, which must outlive
// the calls in flight.
LogSink* SetLogSink(LogSink* sink);

void Log(LogLevel level, absl::string_view id, absl::string_view sentence);
// For core/base/event.h, which declares what to call instead.
void LogEvent(const EventKind& kind, absl::string_view id, absl::string_view sentence);
// A refusal that no caller gets; its reason is the id. OK logs nothing.
void LogRefusal(LogLevel level, const absl::Status& status);
// "WHERE: the finding's sentence", as a notice; without the colon if `where` is empty.
void LogFinding(absl::string_view where, const Finding& finding);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_LOG_H_
