#include "core/devices/bus_type.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/devices/bus_attributes.h"
#include "core/devices/disk.h"
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
  return std::string(device.system().IsModuleLoaded() ? "1\n" : "0\n");
}

// The disk `name`, wherever it is.
Disk* FindDisk(const System& system, absl::string_view name) {
  for (const auto& device : system.DevicesLocked())
    if (device->kind() == DeviceKind::kBlock && device->name() == name)
      return static_cast<Disk*>(device.get());
  return nullptr;
}

absl::Status StoreLoaded(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool loaded, ParseBool(text));
  if (loaded) return device.system().LoadModule();
  device.system().UnloadModule();
  return absl::OkStatus();
}

// --- x/numbers ---

struct NumberWord {
  absl::string_view name;
  uint32_t DeviceNumbers::*value;
  uint32_t least, limit;
};
constexpr NumberWord kNumberWords[] = {
    {"dimm", &DeviceNumbers::dimm, 1, kMajorLimit},
    {"control", &DeviceNumbers::control, 1, kMajorLimit},
    {"dax", &DeviceNumbers::dax, 1, kMajorLimit},
    {"disk", &DeviceNumbers::disk, 1, kMajorLimit},
    {"first_disk", &DeviceNumbers::first_disk, 0, kMinorLimit},
    {"disk_step", &DeviceNumbers::disk_step, 1, kMinorLimit},
};

absl::StatusOr<std::string> ShowNumbers(Device& device) {
  return absl::StrCat(absl::StrJoin(kNumberWords, " ",
                                    [&](std::string* out, const NumberWord& word) {
                                      absl::StrAppend(out, word.name, "=",
                                                      device.system().numbers().*word.value);
                                    }),
                      "\n");
}

absl::Status RefuseNumbers(absl::string_view word) {
  return Refusal(EINVAL, "input.syntax",
                 absl::StrCat("\"", word, "\": wants words NAME=NUMBER, with the majors dimm, ",
                              "control, dax (which differ) and disk below ", kMajorLimit,
                              ", and first_disk and disk_step, which make the minors of disks"));
}

absl::Status StoreNumbers(Device& device, absl::string_view text) {
  DeviceNumbers numbers = device.system().numbers();
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    const auto* known = std::find_if(std::begin(kNumberWords), std::end(kNumberWords),
                                     [&](const auto& each) { return each.name == parts.first; });
    uint32_t value;
    if (known == std::end(kNumberWords) || !absl::SimpleAtoi(parts.second, &value) ||
        value < known->least || value >= known->limit)
      return RefuseNumbers(word);
    numbers.*known->value = value;
  }
  if (numbers.dimm == numbers.control || numbers.dimm == numbers.dax ||
      numbers.control == numbers.dax)
    return RefuseNumbers(Trim(text));
  device.system().SetNumbers(numbers);
  return absl::OkStatus();
}

// --- x/partitions: a disk's name, and a line for each partition. ---

absl::Status StorePartitions(Device& device, absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  if (lines.empty())
    return Refusal(EINVAL, "input.syntax", "wants a disk's name, and below it its partitions");
  Disk* const disk = FindDisk(device.system(), lines[0]);
  if (disk == nullptr)
    return Refusal(ENODEV, "driver.no_device",
                   absl::StrCat("partitions of ", lines[0], ": no such disk; see block/"));
  std::vector<Partition::Place> places;
  for (size_t i = 1; i < lines.size(); ++i) {
    ASSIGN_OR_RETURN(const Partition::Place place, Partition::Place::Parse(lines[i]));
    places.push_back(place);
  }
  disk->SetPartitions(std::move(places));
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
    {.name = "x/numbers",
     .mode = 0644,
     .show = ShowNumbers,
     .store = StoreNumbers,
     .shows_only = true,
     .summary = "majors in `dev` of DIMMs, buses, dax devices and disks, and minors of disks; "
                "written by who makes nodes of that number"},
    {.name = "x/partitions",
     .mode = 0200,
     .store = StorePartitions,
     .shows_only = true,
     .summary = "a disk's name, and a line for each partition of it: index, first sector, sectors, "
                "major:minor; written by who makes a block device of the disk"},
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
