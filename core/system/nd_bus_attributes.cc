// SPDX-License-Identifier: Apache-2.0
// bus/nd: the files next to `devices` and `drivers`.
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
#include "core/dax/dax_bus.h"
#include "core/model/bus_attributes.h"
#include "core/model/node_numbers.h"
#include "core/nd/disk.h"
#include "core/nd/nd_kind.h"
#include "core/nd/nd_numbers.h"
#include "core/nd/partition.h"
#include "core/system/system.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {
namespace {

absl::StatusOr<std::string> ShowLoaded(Device& device) {
  return std::string(System::Of(device).IsModuleLoaded() ? "1\n" : "0\n");
}

// The disk `name`, wherever it is.
Disk* FindDisk(const Engine& engine, absl::string_view name) {
  for (const auto& device : engine.DevicesLocked())
    if (device->kind() == NdKind::kBlock && device->name() == name)
      return static_cast<Disk*>(device.get());
  return nullptr;
}

absl::Status StoreLoaded(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool loaded, ParseBool(text, device.engine().kernel()));
  if (loaded) return System::Of(device).LoadModule();
  System::Of(device).UnloadModule();
  return absl::OkStatus();
}

// --- x/numbers ---

constexpr const NodeSetting* kSettings[] = {&kDimmMajor, &kControlMajor, &kDaxMajor,
                                            &kDiskMajor, &kFirstDisk,    &kDiskStep};

absl::StatusOr<std::string> ShowNumbers(Device& device) {
  const NodeNumbers& numbers = device.engine().numbers();
  return absl::StrCat(absl::StrJoin(kSettings, " ",
                                    [&](std::string* out, const NodeSetting* setting) {
                                      absl::StrAppend(out, setting->word, "=", numbers[*setting]);
                                    }),
                      "\n");
}

absl::Status RefuseNumbers(absl::string_view word) {
  return Refusal(EINVAL, "input.syntax",
                 absl::StrCat("\"", word, "\": write words NAME=NUMBER, with the majors dimm, ",
                              "control, dax (which differ) and disk below ", kMajorLimit,
                              ", and first_disk and disk_step, which make the minors of disks"));
}

absl::Status StoreNumbers(Device& device, absl::string_view text) {
  NodeNumbers numbers = device.engine().numbers();
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    const auto known = std::find_if(std::begin(kSettings), std::end(kSettings),
                                    [&](const auto* each) { return each->word == parts.first; });
    uint32_t value;
    if (known == std::end(kSettings) || !absl::SimpleAtoi(parts.second, &value) ||
        value < (*known)->least || value >= (*known)->limit)
      return RefuseNumbers(word);
    numbers.Choose(**known, value);
  }
  const uint32_t dimm = numbers[kDimmMajor], control = numbers[kControlMajor],
                 dax = numbers[kDaxMajor];
  if (dimm == control || dimm == dax || control == dax) return RefuseNumbers(Trim(text));
  device.engine().SetNumbers(numbers);
  return absl::OkStatus();
}

// --- x/partitions: a disk's name, and one line per partition. ---

absl::Status StorePartitions(Device& device, absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  if (lines.empty())
    return Refusal(EINVAL, "input.syntax",
                   "write a disk's name, and its partitions on the lines below");
  Disk* const disk = FindDisk(device.engine(), lines[0]);
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

uint16_t WithModule(const Device& device) { return System::Of(device).has_module() ? 0644 : 0; }

constexpr Attribute kNdBusAttributes[] = {
    kAutoprobeAttribute,
    kProbeAttribute,
    kUeventTriggerAttribute,
    {.name = "x/numbers",
     .mode = 0644,
     .show = ShowNumbers,
     .store = StoreNumbers,
     .shows_only = true,
     .summary = "majors in `dev` of DIMMs, buses, dax devices and disks, and minors of disks; "
                "written by the program that makes nodes of those numbers",
     .grammar = "NAME=NUMBER ...; names: dimm, control, dax, disk, first_disk, disk_step",
     .refusals = "input.syntax"},
    {.name = "x/partitions",
     .mode = 0200,
     .store = StorePartitions,
     .shows_only = true,
     .summary =
         "the partitions of a disk; written by the program that makes a block device of the disk",
     .grammar = "DISK, then a line INDEX START SECTORS MAJOR:MINOR for each partition",
     .refusals = "input.syntax driver.no_device"},
    {.name = "x/loaded",
     .mode = 0644,
     .show = ShowLoaded,
     .store = StoreLoaded,
     .visible = WithModule,
     .summary = "1: the emulated buses exist; 0 removes them with everything on them, 1 creates "
                "them again in their initial state",
     .grammar = Grammar::kBool,
     .refusals = "input.syntax bus.*"},
};

}  // namespace

absl::Span<const Attribute> NdBusAttributes() { return kNdBusAttributes; }

}  // namespace nvdimmfs::core
