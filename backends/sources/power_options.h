// SPDX-License-Identifier: Apache-2.0
// The options that make a source's power fail: crash_after, crash_seed and crash_log. Every kind of
// source takes them.
#ifndef NVDIMMFS_BACKENDS_SOURCES_POWER_OPTIONS_H_
#define NVDIMMFS_BACKENDS_SOURCES_POWER_OPTIONS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kPowerOptions[] = {"crash_after", "crash_seed", "crash_log"};

bool IsPowerOption(absl::string_view key);
bool HasPowerOption(const OptionList& options);

// Puts all buses under one PowerSupply if `options` has any of these; if one is given several
// times, the last counts. Refused with EINVAL, "source.option", for a bad value, and as
// backends/store_log.h and core/sources/powered_source.h say.
absl::Status PutOnPower(const OptionList& options, Buses& buses);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_POWER_OPTIONS_H_
