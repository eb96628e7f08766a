// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/link_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace nvdimmfs::fs {

std::string LinkText(absl::string_view link_path, absl::string_view target_path) {
  const std::vector<absl::string_view> link = absl::StrSplit(link_path, '/', absl::SkipEmpty());
  const std::vector<absl::string_view> target = absl::StrSplit(target_path, '/', absl::SkipEmpty());
  if (link.empty() || target.empty()) return ".";
  const size_t link_depth = link.size() - 1, target_depth = target.size() - 1;
  size_t common = 0;
  while (common < std::min(link_depth, target_depth) && link[common] == target[common]) ++common;
  std::string text;
  for (size_t i = common; i < link_depth; ++i) absl::StrAppend(&text, "../");
  absl::StrAppend(&text, absl::StrJoin(target.begin() + common, target.end(), "/"));
  return text;
}

}  // namespace nvdimmfs::fs
