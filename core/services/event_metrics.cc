// SPDX-License-Identifier: Apache-2.0
#include "core/services/event_metrics.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "core/nd/bus.h"
#include "core/nd/dimm.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {

std::string EventMetrics(const EventLog& events) {
  OpenMetrics metrics("nvdimmfs_");
  metrics.CounterFamily("events", "Events since the mount began; x/events has the latest ones.");
  const std::vector<uint64_t> counts = events.CountsByKind();
  for (const EventKind& kind : EventKinds())
    metrics.Value({{"event", kind.name}, {"level", NameOf(kind.level)}},
                  counts[static_cast<size_t>(kind.event)]);
  return metrics.Finish();
}

bool IsOfBus(const Bus& bus, absl::string_view object) {
  absl::ConsumePrefix(&object, "dev/");
  if (std::any_of(bus.dimms().begin(), bus.dimms().end(),
                  [&](const auto& dimm) { return dimm->name() == object; }))
    return true;
  // "region0", "namespace0.1", "btt0.2", "pmem0.1s", "dax0.1".
  const auto first = std::find_if(object.begin(), object.end(), absl::ascii_isdigit);
  const absl::string_view word = object.substr(0, static_cast<size_t>(first - object.begin()));
  for (const absl::string_view known : {"region", "namespace", "btt", "pfn", "dax", "pmem"})
    if (word == known) {
      absl::string_view number = object.substr(word.size());
      number = number.substr(0, static_cast<size_t>(std::find_if_not(number.begin(), number.end(),
                                                                     absl::ascii_isdigit) -
                                                    number.begin()));
      int id;
      return absl::SimpleAtoi(number, &id) &&
             std::any_of(bus.regions().begin(), bus.regions().end(),
                         [&](const auto& region) { return region->id() == id; });
    }
  return false;
}

void AddBusEvents(const Bus& bus, const EventLog& events, OpenMetrics& metrics) {
  metrics.CounterFamily("bus_events", "Events of what is below the bus, since the mount began.");
  for (const EventLog::Count& count : events.CountsByObject())
    if (IsOfBus(bus, count.object))
      metrics.Value(
          {{"bus", bus.name()}, {"object", count.object}, {"event", KindOf(count.event).name}},
          count.events);
}

}  // namespace nvdimmfs::core
