// SPDX-License-Identifier: Apache-2.0
#include "core/base/event.h"

#include <atomic>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constexpr EventKind kKinds[] = {
    {Event::kFlushFailed, "flush.failed", "ac4ae6cd12b04cbc9807484f84867093", LogLevel::kError},
    {Event::kReadFailed, "io.read_failed", "ca2a6beeb4ed455a83ed784f5abd50d2", LogLevel::kError},
    {Event::kWriteFailed, "io.write_failed", "df7aa8bb3c9947a59f886ec25e8764c4", LogLevel::kError},
    {Event::kNoSpace, "io.no_space", "45847e6e93914f179aed0b505a8df2c8", LogLevel::kError},
    {Event::kWentBad, "media.bad_bytes", "72098678c5a04824995ef756e8676733", LogLevel::kWarning},
    {Event::kHealed, "media.healed", "e4a32ed74aed48ca8f780c439f9e57cf", LogLevel::kNotice},
    {Event::kPowerCut, "media.power_cut", "abdbbb8e0e1c4cfc8e2e1944e84a6d7e", LogLevel::kWarning},
    {Event::kSourceLost, "source.lost", "48eb9a0d21134bbcb69e3c6fa944b7c9", LogLevel::kError},
    {Event::kImageGone, "image.gone", "685af8e6739549a3a717a1b98443c8ff", LogLevel::kWarning},
    {Event::kArenaReadOnly, "btt.arena.read_only", "923690da53ee49458ad9815974631b42",
     LogLevel::kError},
    {Event::kArenaRecovered, "btt.recovered", "422756ea34f44125a06d5425a994f353",
     LogLevel::kNotice},
    {Event::kInfoRestored, "btt.info.restored", "01885b7e750943c5918e2889ac403763",
     LogLevel::kWarning},
    {Event::kIndexLost, "label.index.lost", "73b8b1ad1f964ce5be07a3bb7a31011b", LogLevel::kWarning},
    {Event::kLabelsDamaged, "label.damaged", "8195df0e46cd446b8ae018bc9af4c6fa",
     LogLevel::kWarning},
    {Event::kLabelWriteFailed, "label.write_failed", "c08e08d8978f4868bfc5ec6a4bd3a9f8",
     LogLevel::kError},
    {Event::kFaultsSet, "faults.set", "b64bde3685ea42749dddbe009942c872", LogLevel::kNotice},
};

constexpr bool AreInOrder() {
  for (size_t i = 0; i < std::size(kKinds); ++i)
    if (static_cast<size_t>(kKinds[i].event) != i) return false;
  return std::size(kKinds) == static_cast<size_t>(Event::kFaultsSet) + 1;
}
static_assert(AreInOrder());

constinit std::atomic<EventSink*> the_sink{nullptr};

}  // namespace

absl::Span<const EventKind> EventKinds() { return kKinds; }

EventSink* SetEventSink(EventSink* sink) {
  return the_sink.exchange(sink, std::memory_order_acq_rel);
}

void Report(Event event, absl::string_view object, absl::string_view reason,
            absl::string_view sentence) {
  const EventKind& kind = KindOf(event);
  if (EventSink* sink = the_sink.load(std::memory_order_acquire))
    sink->Add({kind, object, reason, sentence});
  LogEvent(kind, reason.empty() ? kind.name : reason,
           absl::StrCat(object, object.empty() ? "" : ": ", sentence));
}

void ReportRefusal(Event event, absl::string_view object, const absl::Status& refusal) {
  Report(event, object, ReasonOf(refusal), refusal.message());
}

}  // namespace nvdimmfs::core
