// SPDX-License-Identifier: Apache-2.0
// Parses JSON from outside: requests, the journal, a server's answers.
#ifndef NVDIMMFS_TOOLS_VOLUMES_JSON_TEXT_H_
#define NVDIMMFS_TOOLS_VOLUMES_JSON_TEXT_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/json.h"

namespace nvdimmfs::volumes {

// Far deeper than any text that is expected here. Values are copied and written by recursion, so
// without a limit the text would determine how much stack is used.
inline constexpr size_t kDeepestJson = 32;

// If an object has a key twice, the later value counts. Refused with EINVAL, "json.syntax", or
// "json.depth" for values that are nested deeper. Thread rules: a pure function.
absl::StatusOr<core::Json> ParseJson(absl::string_view text);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_JSON_TEXT_H_
