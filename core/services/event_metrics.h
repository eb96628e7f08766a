// SPDX-License-Identifier: Apache-2.0
// The numbers of events, in OpenMetrics format: x/metrics of the mount, and those of a bus.
#ifndef NVDIMMFS_CORE_SERVICES_EVENT_METRICS_H_
#define NVDIMMFS_CORE_SERVICES_EVENT_METRICS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/open_metrics.h"
#include "core/model/event_log.h"

namespace nvdimmfs::core {

class Bus;

// nvdimmfs_events_total of each kind, with 0 for those that did not happen.
std::string EventMetrics(const EventLog& events);

// nvdimmfs_bus_events_total of each object of the bus and each kind that happened to it. Under the
// configuration lock.
void AddBusEvents(const Bus& bus, const EventLog& events, OpenMetrics& metrics);

// Whether the object of an event is a device or data file below the bus. Names of devices and data
// files contain the number of their region, so a namespace that is gone is found, too.
bool IsOfBus(const Bus& bus, absl::string_view object);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_EVENT_METRICS_H_
