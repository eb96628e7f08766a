// SPDX-License-Identifier: Apache-2.0
#include "core/base/log.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "core/base/event.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constinit std::atomic<LogSink*> the_sink{nullptr};

}  // namespace

absl::string_view NameOf(LogLevel level) {
  static constexpr absl::string_view kNames[] = {"error", "warning", "note", "info", "debug"};
  return kNames[static_cast<size_t>(level)];
}

void LogSink::WriteEvent(const EventKind& kind, absl::string_view id, absl::string_view sentence) {
  Write(kind.level, id, sentence);
}

LogSink* SetLogSink(LogSink* sink) { return the_sink.exchange(sink, std::memory_order_acq_rel); }

void Log(LogLevel level, absl::string_view id, absl::string_view sentence) {
  if (LogSink* sink = the_sink.load(std::memory_order_acquire)) sink->Write(level, id, sentence);
}

void LogEvent(const EventKind& kind, absl::string_view id, absl::string_view sentence) {
  if (LogSink* sink = the_sink.load(std::memory_order_acquire))
    sink->WriteEvent(kind, id, sentence);
}

void LogRefusal(LogLevel level, const absl::Status& status) {
  if (!status.ok()) Log(level, ReasonOf(status), status.message());
}

void LogFinding(absl::string_view where, const Finding& finding) {
  Log(LogLevel::kNotice, finding.reason,
      absl::StrCat(where, where.empty() ? "" : ": ", finding.sentence));
}

}  // namespace nvdimmfs::core
