// SPDX-License-Identifier: Apache-2.0
// Images as power cuts would leave them, made from a log of stores without running anything again.
#ifndef NVDIMMFS_TOOLS_CRASH_TORN_IMAGES_H_
#define NVDIMMFS_TOOLS_CRASH_TORN_IMAGES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/media/power_supply.h"

namespace nvdimmfs::tools {

// A word that keeps an older value.
struct TornWord {
  size_t line = 0;                 // PowerSupply's
  uint64_t offset = 0;             // bytes, in the line
  std::array<std::byte, 8> value;  // of which `size` count
  size_t size = 8;
  friend bool operator==(const TornWord&, const TornWord&) = default;
};

struct TornWords {
  size_t undurable = 0;  // words that the cut may lose
  std::vector<TornWord> lost;
};

TornWords Tear(const core::PowerSupply& supply, uint64_t seed);

// Repeats the log at `log` on the source `text`, a copy of the source that the log was recorded on.
// Before each fence, and at the end of the log, `cut` is called with the fence's number and the
// state at that moment. Refused as Source::Open, StoreLogReader or `cut` say, and with E2BIG,
// "crash.log", if the log became too long.
absl::Status RepeatLog(
    const std::string& text, const std::string& log,
    const std::function<absl::Status(uint64_t fence, const core::PowerSupply&)>& cut);

// Writes the words into the source `text`, a copy of the repeated source at that moment.
absl::Status PutWords(const std::string& text, const std::vector<TornWord>& words);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_TORN_IMAGES_H_
