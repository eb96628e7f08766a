// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/power_options.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>

#include "absl/strings/numbers.h"
#include "backends/store_log.h"
#include "core/base/status.h"
#include "core/media/power_supply.h"
#include "core/sources/powered_source.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kLongestLog = uint64_t{1} << 30;

}  // namespace

bool IsPowerOption(absl::string_view key) {
  return std::find(std::begin(kPowerOptions), std::end(kPowerOptions), key) !=
         std::end(kPowerOptions);
}

bool HasPowerOption(const OptionList& options) {
  return std::any_of(options.begin(), options.end(),
                     [](const auto& option) { return IsPowerOption(option.first); });
}

absl::Status PutOnPower(const OptionList& options, Buses& buses) {
  if (!HasPowerOption(options)) return absl::OkStatus();
  core::PowerSupply::Options power;
  for (const auto& [key, value] : options) {
    if (!IsPowerOption(key)) continue;
    if (key == "crash_log") {
      if (value.empty()) return BadOption(key, value, "needs a file");
      ASSIGN_OR_RETURN(power.observer, StoreLogWriter::Create(value, kLongestLog));
      continue;
    }
    uint64_t number = 0;
    if (!absl::SimpleAtoi(value, &number))
      return BadOption(key, value,
                       key == "crash_after"
                           ? "needs the number of a fence, from 1 on; 0 only counts them"
                           : "needs a number");
    (key == "crash_after" ? power.cut_at : power.seed) = number;
  }
  const auto supply = std::make_shared<core::PowerSupply>(power);
  for (core::BusSource& bus : buses) RETURN_IF_ERROR(core::PutOnPower(bus, *supply));
  return absl::OkStatus();
}

}  // namespace nvdimmfs::backends
