// SPDX-License-Identifier: Apache-2.0
// nvdimmfs list [-BDRNXMCHFicuv] [-b BUS] [-d DIMM] [-r REGION] [-n NAMESPACE] [-m MODE] [-t TYPE]
//               [-U NODE] [--schema 1] [--force] SOURCE...
#include <optional>
#include <string>
#include <vector>

#include "backends/sources/source.h"
#include "btt/btt_layer.h"
#include "core/base/status.h"
#include "core/listing/schema_listing.h"
#include "core/system/system.h"
#include "tools/command_line.h"
#include "tools/commands.h"
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
  for (const std::string& text : request.sources) {
    backends::Source source(text);
    source.set_read_only();
    if (request.force) source.PutDefaults({{"force", ""}});
    absl::StatusOr<backends::Buses> opened = source.Open();
    if (!opened.ok()) return InContext("list", text, opened.status());
    for (core::BusSource& bus : *opened) {
      bus_sources.push_back(text);
      const absl::Status added = system.AddBus(std::move(bus));
      if (!added.ok()) return InContext("list", text, added);
    }
  }
  if (request.schema == 1) return core::ListInSchema1(system, bus_sources);
  return List(system, request.listing);
}

void AddFilter(CLI::App& app, const std::string& names, std::optional<std::string>& value,
               const std::string& help) {
  app.add_option(names, value, help)->allow_extra_args(false);
}

void AddFilters(CLI::App& app, FilterTexts& filter) {
  AddFilter(app, "-b,--bus", filter.bus, "only this bus: a provider, ndbusN or N");
  AddFilter(app, "-r,--region", filter.region, "only this region: regionN or N");
  AddFilter(app, "-d,--dimm", filter.dimm, "only what is on this DIMM: nmemN or N");
  AddFilter(app, "-n,--namespace", filter.ns, "only this namespace: namespaceR.I or R.I");
  AddFilter(app, "-m,--mode", filter.mode, "only namespaces that are raw, sector, fsdax or devdax");
  AddFilter(app, "-t,--type", filter.type, "only regions of this type: pmem");
  AddFilter(app, "-U,--numa-node", filter.numa_node, "only devices on this NUMA node");
}

void AddSections(CLI::App& app, ListingOptions& listing) {
  app.add_flag("-B,--buses", listing.buses, "buses");
  app.add_flag("-D,--dimms", listing.dimms, "DIMMs");
  app.add_flag("-R,--regions", listing.regions, "regions");
  app.add_flag("-N,--namespaces", listing.namespaces, "namespaces (the default)");
  app.add_flag("-X,--device-dax", listing.device_dax, "the device-dax side of devdax namespaces");
  app.add_flag("-M,--media-errors", listing.media_errors, "known bad ranges");
  app.add_flag("-H,--health", listing.health, "health of the DIMMs that report it");
  app.add_flag("-F,--firmware", listing.firmware, "firmware of the DIMMs that report it");
  app.add_flag("-C,--capabilities", listing.capabilities, "what a region's namespaces can become");
  app.add_flag("-i,--idle", listing.idle, "include devices that are not enabled");
  app.add_flag("-c,--configured", listing.configured,
               "include configured namespaces that are not enabled");
  app.add_flag("-u,--human", listing.human, "sizes and addresses in human-readable units");
  app.add_flag("-v,--verbose", listing.verbose, "more detail; up to three times");
}

}  // namespace

int ListCommand(const Arguments& arguments) {
  CLI::App app("Lists the contents of a source without mounting it, in the JSON of `ndctl list`.",
               "nvdimmfs list");
  ListRequest request;
  AddSections(app, request.listing);
  AddFilters(app, request.listing.filter);
  app.add_option("--schema", request.schema, "1: everything, in a fixed and versioned shape")
      ->check(CLI::IsMember({1}));
  app.add_flag("--force", request.force, "list an image even while another program writes it");
  app.add_option("SOURCE", request.sources, backends::SourceHelp())->required();
  if (const auto code = Parse(app, arguments)) return *code;

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
