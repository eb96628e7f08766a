// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/device_number.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "backends/posix/file.h"

namespace nvdimmfs::tools {
namespace {

bool IsNumbered(absl::string_view name, absl::string_view kind) {
  return absl::ConsumePrefix(&name, kind) && !name.empty() &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return isdigit(c); });
}

// Removes the digits at the start of `rest`; false if there are none.
bool ConsumeDigits(absl::string_view& rest) {
  size_t digits = 0;
  while (digits < rest.size() && isdigit(rest[digits])) ++digits;
  rest.remove_prefix(digits);
  return digits != 0;
}

}  // namespace

std::optional<dev_t> ReadNumber(int folder, const std::string& attribute) {
  const std::optional<std::string> text = posix::ReadAttribute(folder, attribute);
  unsigned major_number, minor_number;
  if (!text || sscanf(text->c_str(), "%u:%u", &major_number, &minor_number) != 2)
    return std::nullopt;
  return makedev(major_number, minor_number);
}

bool IsDimmNode(absl::string_view name) { return IsNumbered(name, "nmem"); }

bool IsControlNode(absl::string_view name) { return IsDimmNode(name) || IsNumbered(name, "ndctl"); }

std::optional<DiskName> ParseDiskName(absl::string_view name) {
  absl::string_view rest = name;
  if (!absl::ConsumePrefix(&rest, "pmem") || !ConsumeDigits(rest)) return std::nullopt;
  if (absl::ConsumePrefix(&rest, ".") && !ConsumeDigits(rest)) return std::nullopt;
  const bool sectors = absl::ConsumePrefix(&rest, "s");
  const absl::string_view partition = rest;
  if (!rest.empty()) {
    // The p separates the partition's number from the disk's.
    if (!sectors && !absl::ConsumePrefix(&rest, "p")) return std::nullopt;
    if (!ConsumeDigits(rest) || !rest.empty()) return std::nullopt;
  }
  return DiskName{std::string(name.substr(0, name.size() - partition.size())),
                  std::string(partition)};
}

std::optional<std::string> FolderOfNode(absl::string_view name) {
  if (IsDimmNode(name)) return absl::StrCat("bus/nd/devices/", name);
  if (IsControlNode(name)) return absl::StrCat("class/nd/", name);
  if (absl::StartsWith(name, "dax")) return absl::StrCat("bus/dax/devices/", name);
  return std::nullopt;
}

}  // namespace nvdimmfs::tools
