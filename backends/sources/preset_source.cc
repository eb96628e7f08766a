// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/preset_source.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "backends/sources/demo_preset.h"
#include "backends/sources/nfit_test_preset.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

struct Preset {
  absl::string_view name;
  absl::StatusOr<Buses> (*make)();
  bool is_module = false;
};

constexpr Preset kPresets[] = {{"nfit_test", NfitTestPreset, true}, {"demo", DemoPreset}};

}  // namespace

bool IsModule(absl::string_view preset) {
  return std::any_of(std::begin(kPresets), std::end(kPresets),
                     [&](const Preset& known) { return known.is_module && known.name == preset; });
}

bool HasModule(const Buses& buses) {
  return std::any_of(buses.begin(), buses.end(),
                     [](const core::BusSource& bus) { return bus.quirks.of_module; });
}

absl::StatusOr<Buses> OpenModule(bool read_only) {
  const auto* module = std::find_if(std::begin(kPresets), std::end(kPresets),
                                    [](const Preset& preset) { return preset.is_module; });
  return OpenPreset({.name = std::string(module->name), .options = {}, .read_only = read_only});
}

absl::StatusOr<Buses> OpenPreset(const SourceArguments& arguments) {
  for (const Preset& preset : kPresets) {
    if (preset.name != arguments.name) continue;
    ASSIGN_OR_RETURN(Buses buses, preset.make());
    for (core::BusSource& bus : buses) {
      for (core::DimmSource& dimm : bus.dimms) dimm.read_only = arguments.read_only;
      for (core::RegionSource& region : bus.regions)
        region.read_only = region.read_only || arguments.read_only;
    }
    return buses;
  }
  return core::Refusal(
      EINVAL, "source.preset",
      absl::StrCat("there is no preset \"", arguments.name, "\"; there are nfit_test and demo"));
}

}  // namespace nvdimmfs::backends
