// SPDX-License-Identifier: Apache-2.0
// What there is to measure on a bus, as OpenMetrics: ndbusN/x/metrics.
#ifndef NVDIMMFS_CORE_SERVICES_BUS_METRICS_H_
#define NVDIMMFS_CORE_SERVICES_BUS_METRICS_H_

#include <string>

namespace nvdimmfs::core {

class Bus;

// Capacity, free bytes, bad sectors and states of its DIMMs, regions and namespaces, all of one
// moment. Under the configuration lock.
std::string BusMetrics(const Bus& bus);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_BUS_METRICS_H_
