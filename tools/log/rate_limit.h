// SPDX-License-Identifier: Apache-2.0
// Limits the messages of one kind in a log: kBurst in each window of kWindow. The others are
// counted, and the count is reported later.
//
// Thread rules: one thread at a time.
#ifndef NVDIMMFS_TOOLS_LOG_RATE_LIMIT_H_
#define NVDIMMFS_TOOLS_LOG_RATE_LIMIT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr int kBurst = 10;
  static constexpr std::chrono::seconds kWindow{10};

  // Whether a message of the kind `id` passes at `now`.
  bool Admit(absl::string_view id, Time now);
  // The kinds whose window is over at `now` and that had messages that did not pass, with their
  // number; each is reported once. Without `now`: all of them.
  std::vector<std::pair<std::string, uint64_t>> TakeHeld(std::optional<Time> now);

 private:
  struct Window {
    Time start;
    int passed = 0;
    uint64_t held = 0;
  };

  std::map<std::string, Window, std::less<>> windows_;  // by id; there are a few dozen
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_RATE_LIMIT_H_
