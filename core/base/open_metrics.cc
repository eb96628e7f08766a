// SPDX-License-Identifier: Apache-2.0
#include "core/base/open_metrics.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/utf8.h"

namespace nvdimmfs::core {

void OpenMetrics::Start(absl::string_view name, absl::string_view type, absl::string_view help) {
  name_ = absl::StrCat(prefix_, name);
  absl::StrAppend(&text_, "# TYPE ", name_, " ", type, "\n# HELP ", name_, " ", help, "\n");
}

void OpenMetrics::Family(absl::string_view name, absl::string_view help) {
  Start(name, "gauge", help);
}

void OpenMetrics::CounterFamily(absl::string_view name, absl::string_view help) {
  Start(name, "counter", help);
  name_ += "_total";
}

void OpenMetrics::Value(Labels labels, uint64_t value) {
  std::string list;
  for (const auto& [key, content] : labels)
    absl::StrAppend(&list, list.empty() ? "{" : ",", key, "=\"",
                    absl::StrReplaceAll(EscapeName(content), {{"\\", "\\\\"}, {"\"", "\\\""}}),
                    "\"");
  absl::StrAppend(&text_, name_, list, list.empty() ? "" : "}", " ", value, "\n");
}

}  // namespace nvdimmfs::core
