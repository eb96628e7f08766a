// SPDX-License-Identifier: Apache-2.0
#include "core/nd/partition.h"

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/model/common_attributes.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

const Partition& AsPartition(const Device& device) { return static_cast<const Partition&>(device); }

Text ShowZero(Device&) { return std::string("0\n"); }
Text ShowDev(Device& device) { return AsPartition(device).where().number.ToString() + "\n"; }
Text ShowInflight(Device&) { return std::string("       0        0\n"); }
Text ShowIndex(Device& device) { return absl::StrCat(AsPartition(device).where().index, "\n"); }
Text ShowReadOnly(Device& device) {
  return std::string(AsPartition(device).read_only() ? "1\n" : "0\n");
}
Text ShowSize(Device& device) { return absl::StrCat(AsPartition(device).where().sectors, "\n"); }
Text ShowStart(Device& device) { return absl::StrCat(AsPartition(device).where().start, "\n"); }

constexpr Attribute kPartitionAttributes[] = {
    {.name = "alignment_offset", .show = ShowZero, .summary = "0"},
    {.name = "dev", .show = ShowDev, .summary = "major:minor"},
    {.name = "discard_alignment", .show = ShowZero, .summary = "0"},
    {.name = "inflight",
     .show = ShowInflight,
     .summary = "requests in flight: none that sysfs counts"},
    {.name = "partition", .show = ShowIndex, .summary = "its number on the disk"},
    {.name = "ro", .show = ShowReadOnly, .summary = "1: refuses writes"},
    {.name = "size", .show = ShowSize, .summary = "512-byte sectors"},
    {.name = "start", .show = ShowStart, .summary = "first 512-byte sector on the disk"},
    kUeventAttribute,
};

}  // namespace

absl::StatusOr<Partition::Place> Partition::Place::Parse(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  const std::vector<absl::string_view> number =
      words.size() == 4 ? absl::StrSplit(words[3], ':') : std::vector<absl::string_view>();
  Place place;
  if (number.size() == 2 && absl::SimpleAtoi(words[0], &place.index) && place.index != 0 &&
      absl::SimpleAtoi(words[1], &place.start) && absl::SimpleAtoi(words[2], &place.sectors) &&
      absl::SimpleAtoi(number[0], &place.number.major) &&
      absl::SimpleAtoi(number[1], &place.number.minor) && place.number.major < kMajorLimit &&
      place.number.minor < kMinorLimit)
    return place;
  return Refusal(EINVAL, "input.syntax",
                 absl::StrCat("\"", line,
                              "\": a partition is its index, first sector, number of sectors and "
                              "MAJOR:MINOR, as \"1 2048 8192 259:5\""));
}

Partition::Partition(Device& disk, const Place& place, bool read_only)
    : Device(disk.engine(), NdKind::kPartition, PartitionName(disk.name(), place.index), &disk),
      where_(place),
      read_only_(read_only) {}

absl::Span<const Attribute> Partition::Table() { return kPartitionAttributes; }

std::vector<DeviceLink> Partition::links() const {
  return {
      {absl::StrCat("class/block/", name()), path()},
      {absl::StrCat("sys/dev/block/", where_.number.ToString()), path()},
  };
}

std::string Partition::uevent() const {
  return absl::StrCat(where_.number.Variables(), "DEVNAME=", name(),
                      "\nDEVTYPE=partition\nPARTN=", where_.index, "\n");
}

std::string PartitionName(absl::string_view disk, uint32_t index) {
  const bool ends_in_digit = !disk.empty() && absl::ascii_isdigit(disk.back());
  return absl::StrCat(disk, ends_in_digit ? "p" : "", index);
}

}  // namespace nvdimmfs::core
