// SPDX-License-Identifier: Apache-2.0
#include "core/services/bus_metrics.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "core/base/open_metrics.h"
#include "core/media/media.h"
#include "core/model/attribute.h"
#include "core/model/data_node.h"
#include "core/nd/bus.h"
#include "core/nd/dimm.h"
#include "core/nd/namespace.h"
#include "core/nd/region.h"
#include "core/services/event_metrics.h"

namespace nvdimmfs::core {
namespace {

// The value of the DIMM's nfit/flags.
std::string FlagsOf(Dimm& dimm) {
  for (const Attribute& attribute : dimm.attributes())
    if (attribute.name == "nfit/flags") return attribute.show(dimm).value_or("");
  return {};
}

uint64_t BadBytes(const Region& region) {
  uint64_t bytes = 0;
  for (const Range& bad : region.source().media->BadRanges()) bytes += bad.size;
  return bytes;
}

class Gauges {
 public:
  explicit Gauges(const Bus& bus) : bus_(bus) {}

  std::string Write(const EventLog* events) {
    WriteDimms();
    WriteRegions();
    WriteNamespaces();
    if (events != nullptr) AddBusEvents(bus_, *events, metrics_);
    return metrics_.Finish();
  }

 private:
  // `value` of each DIMM.
  template <typename Value>
  void OfDimms(absl::string_view name, absl::string_view help, Value value) {
    metrics_.Family(name, help);
    for (const auto& dimm : bus_.dimms())
      metrics_.Value({{"bus", bus_.name()}, {"dimm", dimm->name()}}, value(*dimm));
  }

  template <typename Value>
  void OfRegions(absl::string_view name, absl::string_view help, Value value) {
    metrics_.Family(name, help);
    for (const auto& region : bus_.regions())
      metrics_.Value({{"bus", bus_.name()}, {"region", region->name()}}, value(*region));
  }

  // For namespaces that have bytes: a seed does not count.
  template <typename Value>
  void OfNamespaces(absl::string_view name, absl::string_view help, Value value) {
    metrics_.Family(name, help);
    for (const auto& region : bus_.regions())
      for (const Namespace* ns : NamespacesOf(*region))
        if (ns->size() != 0)
          metrics_.Value({{"bus", bus_.name()},
                          {"region", region->name()},
                          {"namespace", ns->name()},
                          {"mode", ns->mode()},
                          {"name", ns->alt_name()}},
                         value(*ns));
  }

  void WriteDimms() {
    OfDimms("dimm_size_bytes", "Data bytes of the DIMM.",
            [](const Dimm& dimm) { return dimm.source().capacity->size(); });
    OfDimms("dimm_enabled", "1 while the DIMM has its driver.",
            [](const Dimm& dimm) { return dimm.driver() != nullptr ? 1 : 0; });
    OfDimms("dimm_missing", "1 where the slot is known but empty.",
            [](const Dimm& dimm) { return dimm.source().missing ? 1 : 0; });
    OfDimms("dimm_locked", "1 while a passphrase locks the DIMM.",
            [](const Dimm& dimm) { return dimm.locked() ? 1 : 0; });
    metrics_.Family("dimm_flag", "1 for each state flag that the DIMM's nfit/flags shows.");
    for (const auto& dimm : bus_.dimms()) {
      if (!dimm->has_nfit()) continue;
      const std::string flags = FlagsOf(*dimm);
      for (const absl::string_view flag :
           absl::StrSplit(flags, absl::ByAnyChar(" \n"), absl::SkipEmpty()))
        metrics_.Value({{"bus", bus_.name()}, {"dimm", dimm->name()}, {"flag", flag}}, 1);
    }
  }

  void WriteRegions() {
    OfRegions("region_size_bytes", "Size of the region.",
              [](const Region& region) { return region.size(); });
    OfRegions("region_enabled", "1 while the region has its driver.",
              [](const Region& region) { return region.enabled() ? 1 : 0; });
    OfRegions("region_read_only", "1 where its disks refuse writes.",
              [](const Region& region) { return region.read_only() ? 1 : 0; });
    // Without labels, nothing can be allocated.
    OfRegions("region_available_bytes", "What new namespaces can have of the region.",
              [](const Region& region) {
                return region.nstype() == kLabelled ? region.AvailableSize() : 0;
              });
    OfRegions("region_max_available_extent_bytes", "The largest new namespace that fits.",
              [](const Region& region) {
                return region.nstype() == kLabelled ? region.MaxAvailableExtent() : 0;
              });
    OfRegions("region_namespaces", "Namespaces of the region that have bytes.",
              [](const Region& region) {
                const auto namespaces = NamespacesOf(region);
                return std::count_if(namespaces.begin(), namespaces.end(),
                                     [](const Namespace* ns) { return ns->size() != 0; });
              });
    OfRegions("region_bad_bytes", "Bytes of the region that are known to be bad.", BadBytes);
  }

  void WriteNamespaces() {
    OfNamespaces("namespace_size_bytes", "Bytes of the region that the namespace has.",
                 [](const Namespace& ns) { return ns.size(); });
    OfNamespaces("namespace_enabled", "1 while the namespace has a data file.",
                 [](const Namespace& ns) { return ns.node() != nullptr ? 1 : 0; });
  }

  static constexpr int kLabelled = 5;  // nstype

  const Bus& bus_;
  OpenMetrics metrics_{"nvdimmfs_"};
};

}  // namespace

std::string BusMetrics(const Bus& bus, const EventLog* events) { return Gauges(bus).Write(events); }

}  // namespace nvdimmfs::core
