// SPDX-License-Identifier: Apache-2.0
// Hostile lines of faults: any input is either refused for one reason, or parsed; what is parsed is
// shown within a page, and parses to the same rules again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base/status.h"
#include "core/media/fault_rules.h"

namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nvdimmfs::core::FaultRule;
  using nvdimmfs::core::FaultRules;
  const absl::string_view line(reinterpret_cast<const char*>(data), size);
  const auto rules = FaultRules::Parse(line);
  if (!rules.ok()) {
    Demand(nvdimmfs::core::ReasonOf(rules.status()) == "faults.syntax");
    return 0;
  }
  Demand(rules->rules.size() <= FaultRules::kMost);
  for (const FaultRule& rule : rules->rules) {
    Demand(rule.rate > 0 && rule.rate <= FaultRule::kAlways);
    Demand(rule.operations != 0 && rule.operations < 8);
    Demand(rule.least_us <= rule.most_us && rule.most_us <= FaultRules::kMostLatency);
    if (rule.range) Demand(!rule.range->empty() && rule.range->end() > rule.range->start);
  }
  const std::string text = rules->Text();
  const auto again = FaultRules::Parse(text);
  Demand(again.ok() && *again == *rules && again->Text() == text);
  return 0;
}
