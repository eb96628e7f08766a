#include "tools/source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "backends/image_backend.h"
#include "core/input.h"
#include "core/status.h"
#include "tools/topology.h"

namespace nvdimmfs::tools {
namespace {

constexpr absl::string_view kOtherKinds[] = {
    "devdax:", "cxl:", "virtio-pmem:", "nfit:", "dtb:", "ram:", "preset:"};

absl::Status BadOption(absl::string_view key, absl::string_view value, absl::string_view wanted) {
  return core::Refusal(EINVAL, "source.option",
                       absl::StrCat("option ", key, value.empty() ? "" : "=", value, ": ", wanted));
}

absl::Status SetOption(backends::ImageOptions& options, const std::string& key,
                       const std::string& value) {
  if (key == "label_size") {
    const auto size = core::ParseSize(value);
    if (!size.ok()) return BadOption(key, value, "needs a size in bytes, or with K, M or G");
    options.label_size = *size;
  } else if (key == "force") {
    options.force = true;
  } else if (key == "durability") {
    if (value == "auto")
      options.durability = backends::Durability::kAuto;
    else if (value == "process")
      options.durability = backends::Durability::kProcess;
    else if (value == "power")
      options.durability = backends::Durability::kPower;
    else
      return BadOption(key, value, "one of auto, process, power");
  } else if (key == "ro") {
    options.read_only = true;
  } else {
    return BadOption(
        key, value,
        absl::StrCat("unknown; a source takes ro, ", absl::StrJoin(kSourceOptions, ", ")));
  }
  return absl::OkStatus();
}

absl::Status CheckKind(const std::string& name) {
  for (const absl::string_view kind : kOtherKinds)
    if (absl::StartsWith(name, kind) && access(name.c_str(), F_OK) != 0)
      return core::Refusal(EOPNOTSUPP, "source.kind",
                           absl::StrCat("source ", name,
                                        ": this version opens image files and topology "
                                        "files (.toml) only"));
  return absl::OkStatus();
}

}  // namespace

std::pair<std::string, OptionList> SplitSource(const std::string& text) {
  if (access(text.c_str(), F_OK) == 0) return {text, {}};
  std::vector<std::string> parts = absl::StrSplit(text, ',');
  OptionList options;
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    options.push_back(absl::StrSplit(parts[i], absl::MaxSplits('=', 1)));
  }
  return {parts[0], options};
}

absl::StatusOr<std::vector<core::BusSource>> OpenSource(const SourceRequest& request) {
  const auto [name, own_options] = SplitSource(request.text);
  RETURN_IF_ERROR(CheckKind(name));
  backends::ImageOptions options;
  options.read_only = request.read_only;
  for (const auto& [key, value] : request.options) RETURN_IF_ERROR(SetOption(options, key, value));
  for (const auto& [key, value] : own_options) RETURN_IF_ERROR(SetOption(options, key, value));
  if (absl::EndsWith(name, ".toml")) {
    if (options.label_size)
      return BadOption("label_size", "", "a topology file says it of each DIMM");
    return OpenTopology(name, options);
  }
  ASSIGN_OR_RETURN(core::DimmSource dimm, backends::OpenImage(name, 0, options));
  std::vector<core::DimmSource> dimms;
  dimms.push_back(std::move(dimm));
  std::vector<core::BusSource> buses;
  buses.push_back(core::QemuBus(std::move(dimms)));
  return buses;
}

}  // namespace nvdimmfs::tools
