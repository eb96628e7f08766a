// SPDX-License-Identifier: Apache-2.0
// Where log lines go: a terminal, the system's log.
#ifndef NVDIMMFS_TOOLS_LOG_LINE_WRITER_H_
#define NVDIMMFS_TOOLS_LOG_LINE_WRITER_H_

#include <string>

#include "core/base/event.h"
#include "core/base/log.h"

namespace nvdimmfs::tools {

// Thread rules: the owner calls from one thread at a time.
class LineWriter {
 public:
  virtual ~LineWriter() = default;
  // Writes `line`, printable text without a newline, of at most kMaxLine bytes. Never waits and
  // raises no signal; false if the line is lost.
  virtual bool Write(core::LogLevel level, const std::string& line) = 0;
  // The same for the line of an event.
  virtual bool WriteEvent(const core::EventKind& kind, const std::string& line) {
    return Write(kind.level, line);
  }

  static constexpr size_t kMaxLine = 3800;  // with all that is added to it, less than PIPE_BUF
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_LINE_WRITER_H_
