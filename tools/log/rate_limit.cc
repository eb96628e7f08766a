// SPDX-License-Identifier: Apache-2.0
#include "tools/log/rate_limit.h"

namespace nvdimmfs::tools {

bool RateLimit::Admit(absl::string_view id, Time now) {
  Window& window = windows_.try_emplace(std::string(id), Window{.start = now}).first->second;
  // Held messages are reported before a new window begins (TakeHeld).
  if (now - window.start >= kWindow && window.held == 0) window = {.start = now};
  if (window.passed < kBurst) {
    ++window.passed;
    return true;
  }
  ++window.held;
  return false;
}

std::vector<std::pair<std::string, uint64_t>> RateLimit::TakeHeld(std::optional<Time> now) {
  std::vector<std::pair<std::string, uint64_t>> taken;
  for (auto& [id, window] : windows_)
    if (window.held != 0 && (!now || *now - window.start >= kWindow)) {
      taken.emplace_back(id, window.held);
      window.held = 0;
    }
  return taken;
}

}  // namespace nvdimmfs::tools
