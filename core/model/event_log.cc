// SPDX-License-Identifier: Apache-2.0
#include "core/model/event_log.h"

#include "absl/strings/str_cat.h"
#include "core/base/json.h"
#include "core/base/shell_word.h"
#include "core/base/utf8.h"

namespace nvdimmfs::core {
namespace {

std::string Cut(absl::string_view text) {
  return EscapeSentence(text.substr(0, EventLog::kMostText));
}

// "2026-12-01T10:58:03.120Z"
std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace

EventLog::EventLog(Clock clock)
    : clock_(std::move(clock)), before_(SetEventSink(this)), by_kind_(EventKinds().size()) {
  // Starts the thread, so that no event has to.
  timers_.After(absl::ZeroDuration(), [] {});
}

EventLog::~EventLog() {
  SetEventSink(before_);
  timers_.Stop();
}

void EventLog::CountLocked(const EventReport& report, const std::string& object) {
  const auto kind = static_cast<size_t>(report.kind.event);
  ++by_kind_[kind];
  const bool is_known = by_object_.size() < kMostObjects || by_object_.count(object) != 0;
  std::vector<uint64_t>& counts = by_object_[is_known ? object : ""];
  counts.resize(EventKinds().size());
  ++counts[kind];
}

EventLog::News EventLog::AddLocked(const EventReport& report) {
  const absl::Time now = clock_();
  const std::string object = Cut(report.object);
  CountLocked(report, object);
  const Key key(report.kind.event, object, std::string(report.reason));
  if (const auto latest = latest_.find(key); latest != latest_.end()) {
    Entry& entry = kept_[latest->second - kept_.front().number];
    // A clock that was set back begins a new entry, too.
    if (now >= entry.first && now - entry.first < kWindow) {
      ++entry.count;
      entry.last = now;
      return std::exchange(repeat_is_due_, true) ? News::kNone : News::kRepeat;
    }
  }
  if (kept_.size() == kKept) {
    const Entry& oldest = kept_.front();
    const auto its = latest_.find({oldest.kind->event, oldest.object, oldest.reason});
    if (its != latest_.end() && its->second == oldest.number) latest_.erase(its);
    kept_.pop_front();
  }
  latest_[key] = next_;
  kept_.push_back({.number = next_++,
                   .kind = &report.kind,
                   .object = object,
                   .reason = std::string(report.reason),
                   .sentence = Cut(report.sentence),
                   .first = now,
                   .last = now});
  return std::exchange(entry_is_due_, true) ? News::kNone : News::kEntry;
}

void EventLog::Add(const EventReport& report) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    news = AddLocked(report);
  }
  if (news == News::kNone) return;
  timers_.After(news == News::kEntry ? absl::ZeroDuration() : kRepeatDelay, [this] { Wake(); });
}

void EventLog::Wake() {
  {
    absl::MutexLock lock(&mutex_);
    entry_is_due_ = repeat_is_due_ = false;
  }
  absl::MutexLock lock(&listener_mutex_);
  if (changed_ != nullptr) changed_();
}

void EventLog::SetListener(std::function<void()> changed) {
  absl::MutexLock lock(&listener_mutex_);
  changed_ = std::move(changed);
}

std::string EventLog::Text() const {
  absl::MutexLock lock(&mutex_);
  std::string text;
  if (gone() != 0) absl::StrAppend(&text, "# ", gone(), " older events are gone\n");
  for (const Entry& entry : kept_) {
    absl::StrAppend(&text, entry.number, " ", TimeText(entry.first), " ", NameOf(entry.kind->level),
                    " ", entry.kind->name, " ",
                    entry.object.empty() ? "-" : ShellWord(entry.object), " ", entry.sentence);
    if (!entry.reason.empty()) absl::StrAppend(&text, " [", entry.reason, "]");
    if (entry.count > 1)
      absl::StrAppend(&text, " (", entry.count, " times, last at ", TimeText(entry.last), ")");
    text += '\n';
  }
  return text;
}

std::string EventLog::JsonLines() const {
  absl::MutexLock lock(&mutex_);
  std::string text;
  if (gone() != 0) absl::StrAppend(&text, Json{{"gone", gone()}}.Line(), "\n");
  for (const Entry& entry : kept_) {
    Json line = {{"number", entry.number},
                 {"first", TimeText(entry.first)},
                 {"last", TimeText(entry.last)},
                 {"count", entry.count},
                 {"level", NameOf(entry.kind->level)},
                 {"event", entry.kind->name},
                 {"message_id", entry.kind->message_id}};
    line["object"] = entry.object.empty() ? Json() : Json(entry.object);
    line["reason"] = entry.reason.empty() ? Json() : Json(entry.reason);
    line["sentence"] = entry.sentence;
    absl::StrAppend(&text, line.Line(), "\n");
  }
  return text;
}

std::vector<uint64_t> EventLog::CountsByKind() const {
  absl::MutexLock lock(&mutex_);
  return by_kind_;
}

std::vector<EventLog::Count> EventLog::CountsByObject() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Count> counts;
  for (const auto& [object, of_kind] : by_object_)
    for (size_t i = 0; i < of_kind.size(); ++i)
      if (of_kind[i] != 0) counts.push_back({object, EventKinds()[i].event, of_kind[i]});
  return counts;
}

}  // namespace nvdimmfs::core
