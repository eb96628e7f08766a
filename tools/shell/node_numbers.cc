// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/node_numbers.h"

#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

constexpr char kNumbers[] = "/bus/nd/x/numbers";

// Majors outside the kernel's dynamic range (234 to 254, and 384 to 511 for character devices) and
// its static assignments (up to 261).
constexpr uint32_t kFirstQuiet = 262, kLastQuiet = 383;

struct Majors {
  std::set<uint32_t> used;
  std::set<uint32_t> shells;  // of these, those that shells use (control_nodes.h)
};

// The majors in a section of /proc/devices ("Block devices:") and in a folder of /sys/dev.
Majors HostMajors(const std::string& section, const std::string& folder) {
  Majors majors;
  std::ifstream devices("/proc/devices");
  bool inside = false;
  for (std::string line; std::getline(devices, line);) {
    std::istringstream words(line);
    uint32_t number;
    std::string name;
    if (words >> number >> name) {
      if (inside) majors.used.insert(number);
      if (inside && absl::StartsWith(name, "nvdimmfs-")) majors.shells.insert(number);
    } else if (!line.empty()) {
      inside = line == section;
    }
  }
  for (const std::string& name : posix::ReadFolder(folder).value_or(std::vector<std::string>())) {
    uint32_t number;
    if (absl::SimpleAtoi(name.substr(0, name.find(':')), &number)) majors.used.insert(number);
  }
  return majors;
}

// `now`, if it is usable.
uint32_t Choose(uint32_t now, Majors& majors) {
  const bool quiet = now >= kFirstQuiet && now <= kLastQuiet;
  uint32_t chosen = now;
  if ((!quiet || majors.used.count(now) != 0) && majors.shells.count(now) == 0) {
    chosen = kFirstQuiet;
    while (chosen < kLastQuiet && majors.used.count(chosen) != 0) ++chosen;
  }
  majors.used.insert(chosen);
  return chosen;
}

}  // namespace

NodeNumbers ReadNodeNumbers(const std::string& tree) {
  NodeNumbers numbers;
  std::ifstream file(tree + kNumbers);
  for (std::string word; file >> word;) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    uint32_t value;
    if (absl::SimpleAtoi(parts.second, &value)) numbers[parts.first] = value;
  }
  return numbers;
}

absl::Status ChooseNodeNumbers(const std::string& tree, const std::optional<DiskNumbers>& disks) {
  NodeNumbers numbers = ReadNodeNumbers(tree);
  Majors characters = HostMajors("Character devices:", "/sys/dev/char");
  for (const char* name : {"dimm", "control", "dax"})
    numbers[name] = Choose(numbers[name], characters);
  if (disks) {
    numbers["disk"] = disks->major;
    numbers["first_disk"] = disks->first;
    numbers["disk_step"] = disks->step;
  } else {
    Majors blocks = HostMajors("Block devices:", "/sys/dev/block");
    const uint32_t before = numbers["disk"];
    numbers["disk"] = Choose(before, blocks);
    if (numbers["disk"] != before) numbers["first_disk"] = 0;
    if (numbers["disk"] != before) numbers["disk_step"] = 1;
  }
  const std::string text = absl::StrJoin(numbers, " ", absl::PairFormatter("=")) + "\n";
  const int error = posix::WriteAttribute(tree + kNumbers, text);
  if (error == 0) return absl::OkStatus();
  return core::Refusal(error, "shell.numbers",
                       absl::StrCat("shell: write ", tree, kNumbers, ": ", strerror(error)));
}

}  // namespace nvdimmfs::tools
