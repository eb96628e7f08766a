// SPDX-License-Identifier: Apache-2.0
// nvdimmfs map [--svg FILE] SOURCE
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/posix/new_file.h"
#include "backends/sources/source.h"
#include "btt/btt_layer.h"
#include "core/base/status.h"
#include "core/labels/dpa_svg.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"
#include "core/services/dpa_map.h"
#include "core/system/system.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"
#include "tools/output.h"

namespace nvdimmfs::tools {
namespace {

// A file with other contents, perhaps an image, is not overwritten.
absl::Status CheckReplaceable(const std::string& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::block)
    return absl::OkStatus();
  std::string start(5, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  if (file.gcount() == 0 || start == "<?xml") return absl::OkStatus();
  return core::Refusal(EEXIST, "map.svg.exists",
                       absl::StrCat("--svg ", path,
                                    ": exists and is not an SVG file; refusing to overwrite it. "
                                    "Remove it first, or name another file"));
}

// Follows a symbolic link.
std::string TargetOf(const std::string& path) {
  std::error_code unused;
  return std::filesystem::weakly_canonical(path, unused).string();
}

absl::Status WritePicture(const std::string& picture, const std::string& path) {
  RETURN_IF_ERROR(CheckReplaceable(path));
  std::error_code unused;
  const auto type = std::filesystem::status(path, unused).type();
  int error = 0;
  if (type == std::filesystem::file_type::regular ||
      type == std::filesystem::file_type::not_found) {
    // If the file system is full, the old picture stays.
    const std::string target = TargetOf(path);
    error = posix::ReplaceFile(target, absl::StrCat(target, ".", getpid(), ".part"), picture, 0666);
  } else {
    errno = 0;
    std::ofstream file(path, std::ios::binary);
    file << picture;
    file.close();
    if (!file) error = errno != 0 ? errno : EIO;
  }
  if (error == 0) return absl::OkStatus();
  return core::Refusal(
      error, "map.svg",
      absl::StrCat("--svg ", path, ": ", strerror(error), "; no picture was written"));
}

// `svg` is where a picture goes, "-" for stdout; empty: text on stdout.
absl::Status Draw(const backends::Source& source, const std::string& svg) {
  const bool makes_file = !svg.empty() && svg != "-";
  const hardening::FormNeeds needs = {.store = makes_file, .device = source.drives_device()};
  hardening::ConfineForm(needs);
  ASSIGN_OR_RETURN(const backends::Buses buses, source.Open());
  hardening::ConfineOpenedForm(needs, makes_file ? TargetOf(svg) : "");
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  const auto devices = system.Devices();
  std::string text;
  std::vector<core::DpaBar> bars;
  system.WithLock([&] {
    for (const auto& device : devices) {
      if (device->kind() != core::NdKind::kRegion) continue;
      const auto& region = static_cast<const core::Region&>(*device);
      absl::StrAppend(&text, core::DrawDpaMap(region));
      for (core::DpaBar& bar : core::MapDpa(region)) bars.push_back(std::move(bar));
    }
  });
  if (!svg.empty()) text = core::DrawDpaSvg(bars);
  if (makes_file) return WritePicture(text, svg);
  PrintData(text);
  return absl::OkStatus();
}

}  // namespace

int MapCommand(const Arguments& arguments) {
  CommandLine line("Who owns which DPA.", "nvdimmfs map");
  std::string text;
  std::string svg;
  bool force = false;
  line.Add("SOURCE", text, backends::SourceHelp(), {.required = true});
  line.Add("--svg", svg, "draw a picture into this file instead; -: to stdout");
  line.AddFlag("--force", force, "look even while another program has it open");
  if (const auto code = line.Parse(arguments)) return *code;
  backends::Source source(text);
  source.set_read_only();
  if (force) source.PutDefaults({{"force", ""}});
  const absl::Status status = Draw(source, svg);
  if (status.ok()) return FinishData(kDone);
  Complain(InContext("map", text, status));
  return kRefused;
}

}  // namespace nvdimmfs::tools
