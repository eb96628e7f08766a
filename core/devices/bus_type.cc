#include "core/devices/bus_type.h"

#include <cerrno>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/devices/bus_attributes.h"
#include "core/devices/system.h"

namespace nvdimmfs::core {
namespace {

absl::StatusOr<std::string> ShowAutoprobe(Device& device) {
  return AutoprobeText(device.system().autoprobe);
}

absl::Status StoreAutoprobe(Device& device, absl::string_view text) {
  device.system().autoprobe = ParseAutoprobe(text);
  return absl::OkStatus();
}

absl::Status StoreProbe(Device& device, absl::string_view text) {
  const absl::string_view name = WithoutNewline(text);
  Device* target = device.system().FindLocked(name);
  if (target == nullptr)
    return Refusal(ENODEV, "driver.no_device",
                   absl::StrCat("probe ", name, ": no such device; see bus/nd/devices"));
  device.system().Probe(*target);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ShowLoaded(Device& device) {
  return std::string(device.system().HasBuses() ? "1\n" : "0\n");
}

absl::Status StoreLoaded(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool loaded, ParseBool(text));
  if (loaded) return device.system().LoadModule();
  device.system().UnloadModule();
  return absl::OkStatus();
}

absl::StatusOr<std::string> ShowMajors(Device& device) {
  const NodeMajors& majors = device.system().node_majors();
  return absl::StrCat(majors.dimm, " ", majors.control, "\n");
}

absl::Status StoreMajors(Device& device, absl::string_view text) {
  constexpr int kMajors = 1 << 12;
  NodeMajors majors;
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  const auto parse = [](absl::string_view word, int& number) {
    return absl::SimpleAtoi(word, &number) && number > 0 && number < kMajors;
  };
  if (words.size() != 2 || !parse(words[0], majors.dimm) || !parse(words[1], majors.control) ||
      majors.dimm == majors.control)
    return Refusal(
        EINVAL, "input.syntax",
        absl::StrCat("wants two different majors, of DIMMs' nodes and of buses': numbers "
                     "from 1 to ",
                     kMajors - 1));
  device.system().SetNodeMajors(majors);
  return absl::OkStatus();
}

uint16_t WithModule(const Device& device) { return device.system().has_module() ? 0644 : 0; }

constexpr Attribute kBusTypeAttributes[] = {
    {.name = "drivers_autoprobe",
     .mode = 0644,
     .show = ShowAutoprobe,
     .store = StoreAutoprobe,
     .summary = "whether new devices are given to their driver at once"},
    {.name = "drivers_probe",
     .mode = 0200,
     .store = StoreProbe,
     .summary = "a device's name: offer it to the driver that matches"},
    kUeventTriggerAttribute,
    {.name = "x/majors",
     .mode = 0644,
     .show = ShowMajors,
     .store = StoreMajors,
     .shows_only = true,
     .summary = "majors in `dev` of DIMMs and of buses; written by who makes nodes of that number"},
    {.name = "x/loaded",
     .mode = 0644,
     .show = ShowLoaded,
     .store = StoreLoaded,
     .visible = WithModule,
     .summary =
         "whether the emulated buses are there; 0: they go with all that is on them, 1: they "
         "come as new"},
};

}  // namespace

absl::Span<const Attribute> BusType::attributes() const { return kBusTypeAttributes; }

}  // namespace nvdimmfs::core
