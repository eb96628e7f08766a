// SPDX-License-Identifier: Apache-2.0
// Writes OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec): gauges and
// counters.
#ifndef NVDIMMFS_CORE_BASE_OPEN_METRICS_H_
#define NVDIMMFS_CORE_BASE_OPEN_METRICS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class OpenMetrics {
 public:
  using Labels = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

  // `prefix` precedes the name of each family: "nvdimmfs_".
  explicit OpenMetrics(absl::string_view prefix) : prefix_(prefix) {}

  // Starts a family of gauges. Use each name once.
  void Family(absl::string_view name, absl::string_view help);
  // The same for counters, which only grow; the names of their values end with "_total".
  void CounterFamily(absl::string_view name, absl::string_view help);
  // Adds a value to the family started last. Labels may contain any bytes.
  void Value(Labels labels, uint64_t value);
  // The whole text.
  std::string Finish() const { return text_ + "# EOF\n"; }

 private:
  void Start(absl::string_view name, absl::string_view type, absl::string_view help);

  const std::string prefix_;
  std::string name_;  // of the family's values
  std::string text_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_OPEN_METRICS_H_
