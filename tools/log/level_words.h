// SPDX-License-Identifier: Apache-2.0
// The levels of core/base/log.h in the words of a terminal and the numbers of syslog(3).
#ifndef NVDIMMFS_TOOLS_LOG_LEVEL_WORDS_H_
#define NVDIMMFS_TOOLS_LOG_LEVEL_WORDS_H_

#include <syslog.h>

#include "absl/strings/string_view.h"
#include "core/base/log.h"

namespace nvdimmfs::tools {

struct LevelWords {
  absl::string_view word;
  int priority;
};
// In the order of core::LogLevel.
inline constexpr LevelWords kLevelWords[] = {
    {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"note", LOG_NOTICE},
    {"info", LOG_INFO}, {"debug", LOG_DEBUG},
};

constexpr absl::string_view LevelWord(core::LogLevel level) {
  return kLevelWords[static_cast<size_t>(level)].word;
}
constexpr int SyslogPriority(core::LogLevel level) {
  return kLevelWords[static_cast<size_t>(level)].priority;
}

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_LEVEL_WORDS_H_
