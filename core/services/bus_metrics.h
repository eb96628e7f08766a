// SPDX-License-Identifier: Apache-2.0
// The metrics of a bus, in OpenMetrics format: ndbusN/x/metrics.
#ifndef NVDIMMFS_CORE_SERVICES_BUS_METRICS_H_
#define NVDIMMFS_CORE_SERVICES_BUS_METRICS_H_

#include <string>

namespace nvdimmfs::core {

class Bus;
class EventLog;

// A consistent snapshot of capacity, free bytes, bad sectors and states of its DIMMs, regions and
// namespaces, and the events of these; null: without events. Under the configuration lock.
std::string BusMetrics(const Bus& bus, const EventLog* events);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_BUS_METRICS_H_
