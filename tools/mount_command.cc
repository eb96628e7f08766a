// nvdimmfs [-f] [-d] [-s] [-h] [-V] [-o OPT,...] SOURCE MOUNTPOINT
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_join.h"
#include "btt/btt_layer.h"
#include "core/base/status.h"
#include "core/devices/system.h"
#include "fs/daemon.h"
#include "fs/mount.h"
#include "fs/mount_options.h"
#include "fs/tree.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/schema_listing.h"
#include "tools/source.h"

namespace nvdimmfs::tools {
namespace {

std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

// The sentence with errno and reason at its end, as Complain prints them.
absl::Status WithReason(const absl::Status& status) {
  return core::Refusal(core::ErrnoOf(status), core::ReasonOf(status), Describe(status));
}

// What is odd on the media is no reason not to mount, but its owner should hear of it.
void TellFindings(core::System& system, const std::vector<core::BusSource>& buses) {
  for (const core::BusSource& bus : buses) {
    for (const core::Finding& finding : bus.findings)
      std::fprintf(stderr, "nvdimmfs: note: %s [%s]\n", finding.sentence.c_str(),
                   finding.reason.c_str());
    for (const core::DimmSource& dimm : bus.dimms)
      for (const core::Finding& finding : dimm.findings)
        std::fprintf(stderr, "nvdimmfs: note: %s: %s [%s]\n", dimm.description.c_str(),
                     finding.sentence.c_str(), finding.reason.c_str());
  }
  for (const auto& device : system.Devices())
    if (!device->last_error().empty() && device->kind() != core::DeviceKind::kBus)
      std::fprintf(stderr, "nvdimmfs: note: %s: %s\n", device->name().c_str(),
                   device->last_error().c_str());
}

// As unmounting a disk does: what was written is durable before the mount counts as gone.
absl::Status FlushAll(const std::vector<core::BusSource>& buses) {
  absl::Status first;
  for (const core::BusSource& bus : buses) {
    for (const core::DimmSource& dimm : bus.dimms) first.Update(dimm.capacity->Flush());
    for (const core::RegionSource& region : bus.regions) first.Update(region.media->Flush());
  }
  return first;
}

absl::Status Mount(const SourceRequest& request, const fs::MountOptions& options,
                   fs::Daemon& daemon) {
  ASSIGN_OR_RETURN(const std::vector<core::BusSource> buses, OpenSource(request));
  btt::BttLayer sector_layer;
  const bool is_module = IsModule(request);
  fs::Tree tree(/*buses_last=*/!is_module);
  core::System system(
      sector_layer, &tree,
      is_module ? core::System::BusMaker([&] { return OpenSource(request); }) : nullptr);
  system.set_bus_lister([&](core::Bus& bus) { return ListInSchema1(bus, request.text); });
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  TellFindings(system, buses);
  const absl::Status served = fs::Serve(system, tree, options, [&](absl::Status ready) {
    if (ready.ok()) daemon.Report(ready);
  });
  const absl::Status flushed = FlushAll(buses);
  return flushed.ok() ? served : flushed;
}

}  // namespace

int MountCommand(const Arguments& arguments) {
  CLI::App app(
      "Shows persistent memory as the kernel's device tree.\n"
      "Other forms: nvdimmfs create | list | check | map | shell (each with --help).",
      "nvdimmfs");
  std::string source_text;
  std::string mountpoint;
  std::vector<std::string> option_texts;
  bool foreground = false;
  bool debug = false;
  bool single_thread = false;
  app.add_flag("-f", foreground, "stay in the foreground");
  app.add_flag("-d", debug, "print every request; stays in the foreground");
  app.add_flag("-s", single_thread, "serve with one thread");
  app.add_option("-o", option_texts, "mount options, separated by commas")->allow_extra_args(false);
  app.set_version_flag("-V,--version", std::string("nvdimmfs ") + kVersion);
  app.add_option("SOURCE", source_text, SourceHelp())->required();
  app.add_option("MOUNTPOINT", mountpoint, "a directory")->required();
  if (const auto code = Parse(app, arguments)) return *code;

  auto parsed = fs::ParseOptions(absl::StrJoin(option_texts, ","), SourceOptions());
  if (!parsed.ok()) {
    Complain(parsed.status());
    return kUsage;
  }
  fs::MountOptions options = parsed->mount;
  options.mountpoint = Absolute(mountpoint);
  options.foreground = options.foreground || foreground || debug;
  options.debug = options.debug || debug;
  options.single_thread = options.single_thread || single_thread;
  const auto [name, own_options] = SplitSource(source_text);
  options.source_name = AbsoluteSource(name);
  SourceRequest request{
      .text = options.source_name, .options = parsed->source, .read_only = options.read_only};
  for (const auto& option : own_options) {
    if (option.first == "ro") request.read_only = options.read_only = true;
    request.options.push_back(option);
  }

  absl::StatusOr<fs::Daemon> daemon =
      options.foreground ? fs::Daemon::Foreground() : fs::Daemon::Fork();
  if (!daemon.ok()) {
    Complain(daemon.status());
    return kRefused;
  }
  const absl::Status status = Mount(request, options, *daemon);
  if (status.ok()) return kDone;
  const absl::Status refused = core::Annotate(status, "mount " + source_text);
  // The parent of a daemon prints what is reported to it.
  if (options.foreground)
    Complain(refused);
  else
    daemon->Report(WithReason(refused));
  return kRefused;
}

}  // namespace nvdimmfs::tools
