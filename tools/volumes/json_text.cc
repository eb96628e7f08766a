// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/json_text.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

// How deep its brackets go; those in strings are text.
size_t DepthOf(absl::string_view text) {
  size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '[')) {
      deepest = std::max(deepest, ++depth);
    } else if (!in_string && (c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

absl::StatusOr<nlohmann::ordered_json> ParseJson(absl::string_view text) {
  if (DepthOf(text) > kDeepestJson)
    return core::Refusal(EINVAL, "json.depth",
                         absl::StrCat("the JSON text nests objects and arrays deeper than ",
                                      kDeepestJson, " levels"));
  auto json = nlohmann::ordered_json::parse(text.begin(), text.end(), nullptr,
                                            /*allow_exceptions=*/false);
  if (json.is_discarded())
    return core::Refusal(EINVAL, "json.syntax", "the text is not valid JSON");
  return json;
}

}  // namespace nvdimmfs::volumes
