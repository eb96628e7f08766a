// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_name.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "tools/volumes/short_hash.h"

namespace nvdimmfs::volumes {
namespace {

constexpr size_t kLongestName = 255;
constexpr size_t kKeptOfLongName = 46;

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

}  // namespace

absl::Status CheckName(absl::string_view name) {
  if (!name.empty() && name.size() <= kLongestName &&
      absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
      std::all_of(name.begin(), name.end(), IsNameByte))
    return absl::OkStatus();
  return core::Refusal(
      EINVAL, "volume.name",
      absl::StrCat("\"", absl::CHexEscape(name.substr(0, kLongestName)),
                   "\" is not a volume name: a letter or digit, then letters, digits, '_', '.' and "
                   "'-', 255 bytes at most"));
}

absl::Status CheckLabelName(absl::string_view name) {
  std::string without(name);
  if (const size_t tilde = without.find('~'); tilde != std::string::npos && tilde > 0)
    without.erase(tilde, 1);
  return CheckName(without);
}

std::string LabelName(absl::string_view name) {
  if (name.size() <= kLongestLabelName) return std::string(name);
  return absl::StrCat(name.substr(0, kKeptOfLongName), "~", ShortHash(name));
}

}  // namespace nvdimmfs::volumes
