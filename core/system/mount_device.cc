// SPDX-License-Identifier: Apache-2.0
#include "core/system/mount_device.h"

#include <memory>

#include "absl/memory/memory.h"
#include "core/model/engine.h"
#include "core/services/event_metrics.h"

namespace nvdimmfs::core {
namespace {

EventLog& EventsOf(Device& device) { return static_cast<MountDevice&>(device).events(); }

absl::StatusOr<std::string> ShowEvents(Device& device) { return EventsOf(device).Text(); }

absl::StatusOr<std::string> ShowJson(Device& device) { return EventsOf(device).JsonLines(); }

absl::StatusOr<std::string> ShowMetrics(Device& device) { return EventMetrics(EventsOf(device)); }

constexpr Attribute kMountAttributes[] = {
    {.name = "events",
     .show = ShowEvents,
     .summary = "the latest events, oldest first: number, time, level, name, object, sentence, "
                "reason; equal ones of ten seconds are one line with a count; a new one wakes "
                "poll(2)"},
    {.name = "events.json",
     .show = ShowJson,
     .summary = "the same, as a JSON object on each line; poll(2) as for events"},
    {.name = "metrics",
     .show = ShowMetrics,
     .summary = "how many events of each kind there were, as OpenMetrics"},
};

}  // namespace

std::shared_ptr<MountDevice> MountDevice::Make(Engine& engine, EventLog& events) {
  return absl::WrapUnique(new MountDevice(engine, events));
}

absl::Span<const Attribute> MountDevice::Table() { return kMountAttributes; }

}  // namespace nvdimmfs::core
