// SPDX-License-Identifier: Apache-2.0
// JSON from outside: requests, the journal, what a server says.
#ifndef NVDIMMFS_TOOLS_VOLUMES_JSON_TEXT_H_
#define NVDIMMFS_TOOLS_VOLUMES_JSON_TEXT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace nvdimmfs::volumes {

// Far more than anything here has. The library copies and writes nested values by recursion, so
// without a limit the text says how much stack is used.
inline constexpr size_t kDeepestJson = 32;

// Refused with EINVAL, "json.syntax", or "json.depth" for values that are nested deeper.
absl::StatusOr<nlohmann::ordered_json> ParseJson(absl::string_view text);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_JSON_TEXT_H_
