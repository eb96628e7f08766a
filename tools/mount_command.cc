// SPDX-License-Identifier: Apache-2.0
// nvdimmfs [-f] [-d] [-s] [-h] [-V] [-o OPT,...] SOURCE MOUNTPOINT
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/open_store.h"
#include "backends/sources/power_options.h"
#include "backends/sources/preset_source.h"
#include "backends/sources/source.h"
#include "backends/written_later.h"
#include "btt/btt_layer.h"
#include "core/base/event.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/listing/schema_listing.h"
#include "core/model/event_log.h"
#include "core/nd/bus.h"
#include "core/nd/nd_kind.h"
#include "core/system/system.h"
#include "fs/mount/daemon.h"
#include "fs/mount/mount.h"
#include "fs/mount/mount_keeper.h"
#include "fs/mount/mount_options.h"
#include "fs/mount/mount_place.h"
#include "fs/mount/signals.h"
#include "fs/tree/tree.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"
#include "tools/log/program_log.h"
#include "tools/option_list.h"
#include "tools/version/version.h"

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

// A DIMM whose label area is not expected to make sense.
bool StartsAsNoise(const core::Device& device) {
  return device.kind() == core::NdKind::kDimm &&
         static_cast<const core::Bus*>(device.parent())->quirks().labels_start_as_noise;
}

// Odd media do not prevent a mount, but their owner should be told.
void TellFindings(core::System& system, const std::vector<core::BusSource>& buses) {
  for (const core::BusSource& bus : buses) {
    for (const core::Finding& finding : bus.findings) core::LogFinding("", finding);
    for (const core::DimmSource& dimm : bus.dimms)
      for (const core::Finding& finding : dimm.findings)
        core::LogFinding(dimm.description, finding);
  }
  for (const auto& device : system.Devices()) {
    const std::string error = system.WithLock([&] { return device->last_error(); });
    if (error.empty() || device->kind() == core::NdKind::kBus || StartsAsNoise(*device)) continue;
    for (const absl::string_view line : absl::StrSplit(error, '\n'))
      core::Log(core::LogLevel::kNotice, "", absl::StrCat(device->name(), ": ", line));
  }
}

// As for an unmounted disk, all data is durable before the mount counts as gone.
absl::Status FlushAll() {
  const absl::Time start = absl::Now();
  const absl::Status flushed = backends::OpenStore::FlushAll();
  if (!flushed.ok()) core::ReportRefusal(core::Event::kFlushFailed, "", flushed);
  core::Log(core::LogLevel::kInfo, "mount.closed",
            absl::StrCat("the last flush ", flushed.ok() ? "took " : "failed after ",
                         absl::ToInt64Milliseconds(absl::Now() - start), " ms"));
  return flushed;
}

// Descriptors that the arguments name: "/dev/fd/5".
std::set<int> DescriptorsIn(absl::string_view text) {
  constexpr absl::string_view kFolder = "/fd/";
  std::set<int> found;
  for (size_t at = 0; (at = text.find(kFolder, at)) != absl::string_view::npos;) {
    at += kFolder.size();
    const size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    if (int fd; absl::SimpleAtoi(text.substr(at, end - at), &fd)) found.insert(fd);
  }
  return found;
}

// Before anything is opened, and while there is one thread.
absl::Status StartKeeper(const std::string& place, fs::MountOptions& options) {
  if (options.harden == fs::Harden::kOff) return absl::OkStatus();
  if (options.harden == fs::Harden::kStrict)
    RETURN_IF_ERROR(hardening::CheckKernel());
  else if (!hardening::CanConfine())
    return absl::OkStatus();
  auto keeper = fs::MountKeeper::Start(place, hardening::ConfineKeeper);
  if (keeper.ok())
    options.keeper = *std::move(keeper);
  else if (options.harden == fs::Harden::kStrict)
    return keeper.status();
  else
    core::LogRefusal(core::LogLevel::kWarning, keeper.status());
  return absl::OkStatus();
}

absl::StatusOr<std::string> Confine(const backends::Source& source,
                                    const fs::MountOptions& options) {
  return hardening::ConfineMount({.uring = options.uring,
                                  .device = source.drives_device(),
                                  .folders = backends::FoldersWrittenLater()});
}

// `confined` is empty if nothing was given up.
void TellConfined(const absl::StatusOr<std::string>& confined) {
  if (!confined.ok())
    core::LogRefusal(core::LogLevel::kWarning, confined.status());
  else if (!confined->empty())
    core::Log(core::LogLevel::kInfo, "mount.confined", *confined);
}

absl::Status Mount(const backends::Source& source, fs::MountOptions& options, fs::Daemon& daemon,
                   ProgramLog& log, const std::function<void()>& ready) {
  const bool to_system =
      options.log == fs::LogTo::kSystem || (options.log == fs::LogTo::kAuto && !options.foreground);
  log.set_subject(options.mountpoint);
  if (to_system) log.UseSystemLog();
  // The mount of a killed daemon may hold the source's file open.
  ASSIGN_OR_RETURN(const std::string place, fs::PrepareMountpoint(options.mountpoint));
  RETURN_IF_ERROR(StartKeeper(place, options));
  core::EventLog events;
  ASSIGN_OR_RETURN(const backends::Buses buses, source.Open());
  btt::BttLayer sector_layer;
  const bool has_module = backends::HasModule(buses);
  fs::Tree tree(/*buses_last=*/!has_module);
  core::System system(
      sector_layer, &tree,
      has_module ? core::System::BusMaker([&] { return backends::OpenModule(source.read_only()); })
                 : nullptr,
      buses.front().kernel);
  system.set_bus_lister(
      [&](core::Bus& bus) { return core::ListInSchema1(bus, options.source_name); });
  system.ShowEvents(events);
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  TellFindings(system, buses);
  absl::StatusOr<std::string> confined = std::string();
  const auto on_ready = [&](absl::Status begun) {
    if (!begun.ok()) return;
    if (options.keeper != nullptr) confined = Confine(source, options);
    if (!confined.ok() && options.harden == fs::Harden::kStrict) {
      raise(SIGTERM);  // ends the mount
      return;
    }
    if (to_system) log.LeaveTerminal();
    daemon.Report(begun);
    TellConfined(confined);
    if (ready != nullptr) ready();
  };
  // A program that opens the files from then on waits for the last flush.
  const absl::Status served =
      fs::Serve(system, tree, options, on_ready, backends::OpenStore::AnnounceClosing);
  if (!served.ok()) return served;  // the mount never existed
  const absl::Status flushed = FlushAll();
  if (!confined.ok() && options.harden == fs::Harden::kStrict) return confined.status();
  return flushed;
}

}  // namespace

int MountCommand(const Arguments& arguments, const std::function<void()>& ready, int busy_code) {
  fs::PrepareSignals();
  CommandLine line(
      "Shows persistent memory as the kernel's device tree.\n"
      "Other forms: see nvdimmfs help.",
      "nvdimmfs");
  std::string source_text;
  std::string mountpoint;
  std::vector<std::string> option_texts;
  bool foreground = false;
  bool debug = false;
  bool single_thread = false;
  line.AddFlag("-f", foreground, "stay in the foreground");
  line.AddFlag("-d", debug, "print every request; stay in the foreground");
  line.AddFlag("-s", single_thread, "serve with one thread");
  line.Add("-o", option_texts, "options, separated by commas: see below", {.one_value_each = true});
  line.set_footer(OptionList());
  line.AddVersion("-V,--version", [] { return VersionText("nvdimmfs"); });
  line.Add("SOURCE", source_text, backends::SourceHelp(), {.required = true});
  line.Add("MOUNTPOINT", mountpoint, "a directory", {.required = true});
  if (const auto code = line.Parse(arguments)) return *code;
  if (mountpoint.empty()) return EmptyArgument("nvdimmfs", "MOUNTPOINT");

  auto parsed = fs::ParseOptions(absl::StrJoin(option_texts, ","), backends::SourceOptions());
  if (!parsed.ok()) {
    Complain(parsed.status());
    return kUsage;
  }
  fs::MountOptions options = parsed->mount;
  options.mountpoint = Absolute(mountpoint);
  options.foreground = options.foreground || foreground || debug;
  options.debug = options.debug || debug;
  options.single_thread = options.single_thread || single_thread;
  backends::Source source(source_text);
  source.PutDefaults(parsed->source);
  source.MakeAbsolute();
  if (options.read_only) source.set_read_only();
  options.read_only = source.read_only();
  options.source_name = source.name();
  // So that requests reach the media in the same order and by the same lanes of a BTT, and a cut
  // can be repeated.
  if (backends::HasPowerOption(source.options())) {
    options.single_thread = true;
    options.uring = false;
  }

  absl::StatusOr<fs::Daemon> daemon =
      options.foreground ? fs::Daemon::Foreground()
                         : fs::Daemon::Fork(DescriptorsIn(absl::StrJoin(arguments, " ")));
  if (!daemon.ok()) {
    Complain(daemon.status());
    return kRefused;
  }
  ProgramLog log("nvdimmfs");
  const absl::Status status = Mount(source, options, *daemon, log, ready);
  if (status.ok()) return kDone;
  const absl::Status refused = InContext("mount", source_text, status);
  const int code = core::ErrnoOf(refused) == EBUSY ? busy_code : kRefused;
  // A daemon's parent prints what the daemon reports.
  if (options.foreground)
    Complain(refused);
  else
    daemon->Report(WithReason(refused), code);
  return code;
}

}  // namespace nvdimmfs::tools
