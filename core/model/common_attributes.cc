// SPDX-License-Identifier: Apache-2.0
#include "core/model/common_attributes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/base/uuid.h"

namespace nvdimmfs::core {
namespace {

constexpr std::array<absl::string_view, 8> kActions = {"add",    "remove",  "change", "move",
                                                       "online", "offline", "bind",   "unbind"};

bool IsAlphanumeric(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isalnum);
}

// What follows an action: a UUID, then any number of KEY=VALUE, a blank before each.
bool IsEventArguments(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  if (words[0].size() != 36 || !Uuid::Parse(words[0])) return false;
  return std::all_of(words.begin() + 1, words.end(), [](absl::string_view word) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    return IsAlphanumeric(pair.first) && IsAlphanumeric(pair.second);
  });
}

}  // namespace

absl::StatusOr<std::string> ShowUevent(Device& device) { return device.uevent(); }

absl::Status StoreUevent(Device& device, absl::string_view text) {
  if (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
  const size_t blank = text.find(' ');
  const bool known =
      std::find(kActions.begin(), kActions.end(), text.substr(0, blank)) != kActions.end();
  if (known && (blank == text.npos || IsEventArguments(text.substr(blank + 1))))
    return absl::OkStatus();
  return Refusal(EINVAL, "uevent.action",
                 absl::StrCat("uevent of ", device.name(),
                              ": not an action; write add, remove, change, move, online, offline, "
                              "bind or unbind, optionally followed by a UUID and KEY=VALUE words"));
}

absl::StatusOr<std::string> ShowLastError(Device& device) {
  const std::string text = device.LatestError().Text();
  return text.empty() ? std::string() : absl::StrCat(EscapeText(text), "\n");
}

absl::StatusOr<std::string> ShowLastErrorJson(Device& device) {
  return absl::StrCat(device.LatestError().Json(), "\n");
}

absl::StatusOr<std::string> ShowNumaNode(Device& device) {
  return absl::StrCat(device.numa_node(), "\n");
}

absl::StatusOr<std::string> ShowTargetNode(Device& device) {
  return absl::StrCat(device.target_node(), "\n");
}

uint16_t TargetNodeMode(const Device& device) { return device.target_node() < 0 ? 0 : 0444; }

}  // namespace nvdimmfs::core
