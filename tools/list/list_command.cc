// SPDX-License-Identifier: Apache-2.0
// nvdimmfs list [-BDRNXMCHFicuv] [-b BUS] [-d DIMM] [-r REGION] [-n NAMESPACE] [-m MODE] [-t TYPE]
//               [-U NODE] [--schema 1] [--force] SOURCE...
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/sources/source.h"
#include "btt/btt_layer.h"
#include "core/base/status.h"
#include "core/listing/schema_listing.h"
#include "core/system/system.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"
#include "tools/list/listing.h"
#include "tools/output.h"

namespace nvdimmfs::tools {
namespace {

struct ListRequest {
  std::vector<std::string> sources;
  ListingOptions listing;
  int schema = 0;  // 0: ndctl's shape
  bool force = false;
};

absl::StatusOr<std::string> ListSources(const ListRequest& request) {
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  std::vector<std::string> bus_sources;
  hardening::FormNeeds needs;
  std::vector<backends::Source> sources;
  for (const std::string& text : request.sources) {
    backends::Source& source = sources.emplace_back(text);
    source.set_read_only();
    if (request.force) source.PutDefaults({{"force", ""}});
    needs.device = needs.device || source.drives_device();
  }
  hardening::ConfineForm(needs);
  backends::Buses buses;
  for (const backends::Source& source : sources) {
    absl::StatusOr<backends::Buses> opened = source.Open();
    if (!opened.ok()) return InContext("list", source.text(), opened.status());
    bus_sources.insert(bus_sources.end(), opened->size(), source.text());
    std::move(opened->begin(), opened->end(), std::back_inserter(buses));
  }
  hardening::ConfineOpenedForm(needs);
  for (size_t i = 0; i < buses.size(); ++i) {
    const absl::Status added = system.AddBus(std::move(buses[i]));
    if (!added.ok()) return InContext("list", bus_sources[i], added);
  }
  if (request.schema == 1) return core::ListInSchema1(system, bus_sources);
  return List(system, request.listing);
}

void AddFilter(CommandLine& line, const std::string& names, std::optional<std::string>& value,
               const std::string& help) {
  line.Add(names, value, help, {.one_value_each = true});
}

void AddFilters(CommandLine& line, FilterTexts& filter) {
  AddFilter(line, "-b,--bus", filter.bus, "only this bus: a provider, ndbusN or N");
  AddFilter(line, "-r,--region", filter.region, "only this region: regionN or N");
  AddFilter(line, "-d,--dimm", filter.dimm, "only what is on this DIMM: nmemN or N");
  AddFilter(line, "-n,--namespace", filter.ns, "only this namespace: namespaceR.I or R.I");
  AddFilter(line, "-m,--mode", filter.mode,
            "only namespaces that are raw, sector, fsdax or devdax");
  AddFilter(line, "-t,--type", filter.type, "only regions of this type: pmem");
  AddFilter(line, "-U,--numa-node", filter.numa_node, "only devices on this NUMA node");
}

void AddSections(CommandLine& line, ListingOptions& listing) {
  line.AddFlag("-B,--buses", listing.buses, "buses");
  line.AddFlag("-D,--dimms", listing.dimms, "DIMMs");
  line.AddFlag("-R,--regions", listing.regions, "regions");
  line.AddFlag("-N,--namespaces", listing.namespaces, "namespaces (the default)");
  line.AddFlag("-X,--device-dax", listing.device_dax, "the device-dax side of devdax namespaces");
  line.AddFlag("-M,--media-errors", listing.media_errors, "known bad ranges");
  line.AddFlag("-H,--health", listing.health, "health of the DIMMs that report it");
  line.AddFlag("-F,--firmware", listing.firmware, "firmware of the DIMMs that report it");
  line.AddFlag("-C,--capabilities", listing.capabilities, "what a region's namespaces can become");
  line.AddFlag("-i,--idle", listing.idle, "include devices that are not enabled");
  line.AddFlag("-c,--configured", listing.configured,
               "include configured namespaces that are not enabled");
  line.AddFlag("-u,--human", listing.human, "sizes and addresses in human-readable units");
  line.AddCount("-v,--verbose", listing.verbose, "more detail; up to three times");
}

}  // namespace

int ListCommand(const Arguments& arguments) {
  CommandLine line(
      "Lists the contents of a source without mounting it, in the JSON of `ndctl list`.",
      "nvdimmfs list");
  ListRequest request;
  AddSections(line, request.listing);
  AddFilters(line, request.listing.filter);
  line.AddOneOf({1}, "--schema", request.schema, "1: everything, in a fixed and versioned shape");
  line.AddFlag("--force", request.force, "list an image even while another program writes it");
  line.Add("SOURCE", request.sources, backends::SourceHelp(), {.required = true});
  if (const auto code = line.Parse(arguments)) return *code;

  const auto filter = ListingFilter::Make(request.listing.filter);
  if (!filter.ok()) {
    Complain(filter.status());
    return kUsage;
  }
  const absl::StatusOr<std::string> listing = ListSources(request);
  if (!listing.ok()) {
    Complain(listing.status());
    return kRefused;
  }
  PrintData(*listing);
  return FinishData(kDone);
}

}  // namespace nvdimmfs::tools
