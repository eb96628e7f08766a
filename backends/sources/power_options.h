// SPDX-License-Identifier: Apache-2.0
// The options that let a source's power fail: crash_after, crash_seed and crash_log. Any kind takes
// them.
#ifndef NVDIMMFS_BACKENDS_SOURCES_POWER_OPTIONS_H_
#define NVDIMMFS_BACKENDS_SOURCES_POWER_OPTIONS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kPowerOptions[] = {"crash_after", "crash_seed", "crash_log"};

bool IsPowerOption(absl::string_view key);
bool HasPowerOption(const OptionList& options);

// Puts all buses under one PowerSupply where `options` has one of these; of several of one name the
// last counts. Refused with EINVAL, "source.option", for what is not a number, and as
// backends/store_log.h and core/sources/powered_source.h say.
absl::Status PutOnPower(const OptionList& options, Buses& buses);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_POWER_OPTIONS_H_
