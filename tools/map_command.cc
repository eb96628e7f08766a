// nvdimmfs map SOURCE
#include <cstdio>
#include <string>
#include <vector>

#include "btt/btt_layer.h"
#include "core/status.h"
#include "core/system.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/source.h"

namespace nvdimmfs::tools {
namespace {

absl::Status Draw(const SourceRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<core::BusSource> buses, OpenSource(request));
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  for (const auto& device : system.Devices()) {
    if (device->kind() != core::DeviceKind::kRegion) continue;
    for (const core::Attribute& attribute : device->attributes()) {
      if (attribute.name != "x/map.txt") continue;
      ASSIGN_OR_RETURN(const std::string text, system.Show(*device, attribute));
      std::fputs(text.c_str(), stdout);
    }
  }
  return absl::OkStatus();
}

}  // namespace

int MapCommand(const Arguments& arguments) {
  CLI::App app("Who owns which DPA.", "nvdimmfs map");
  SourceRequest request{.read_only = true};
  bool force = false;
  app.add_option("SOURCE", request.text, SourceHelp())->required();
  app.add_flag("--force", force, "look even while somebody else has it open");
  if (const auto code = Parse(app, arguments)) return *code;
  if (force) request.options.push_back({"force", ""});
  const absl::Status status = Draw(request);
  if (status.ok()) return kDone;
  Complain(core::Annotate(status, "map " + request.text));
  return kRefused;
}

}  // namespace nvdimmfs::tools
