#include "tools/sources/preset_source.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "tools/sources/demo_preset.h"
#include "tools/sources/nfit_test_preset.h"

namespace nvdimmfs::tools {
namespace {

struct Preset {
  absl::string_view name;
  absl::StatusOr<Buses> (*make)();
};

constexpr Preset kPresets[] = {{"nfit_test", NfitTestPreset}, {"demo", DemoPreset}};

}  // namespace

absl::StatusOr<Buses> OpenPreset(const SourceArguments& arguments) {
  for (const Preset& preset : kPresets) {
    if (preset.name != arguments.name) continue;
    ASSIGN_OR_RETURN(Buses buses, preset.make());
    for (core::BusSource& bus : buses)
      for (core::RegionSource& region : bus.regions)
        region.read_only = region.read_only || arguments.read_only;
    return buses;
  }
  return core::Refusal(
      EINVAL, "source.preset",
      absl::StrCat("there is no preset \"", arguments.name, "\"; there are nfit_test and demo"));
}

}  // namespace nvdimmfs::tools
