// SPDX-License-Identifier: Apache-2.0
// The levels of core/base/log.h in the numbers of syslog(3).
#ifndef NVDIMMFS_TOOLS_LOG_SYSLOG_PRIORITY_H_
#define NVDIMMFS_TOOLS_LOG_SYSLOG_PRIORITY_H_

#include <syslog.h>

#include <cstddef>

#include "core/base/log.h"

namespace nvdimmfs::tools {

constexpr int SyslogPriority(core::LogLevel level) {
  // In the order of core::LogLevel.
  constexpr int kPriorities[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
  return kPriorities[static_cast<size_t>(level)];
}

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_SYSLOG_PRIORITY_H_
