// SPDX-License-Identifier: Apache-2.0
// Log lines on standard error, as a person reads them: "nvdimmfs: error: ...".
//
// If the reader has stopped reading (a stopped terminal, a full pipe), lines are lost, but writes
// never wait. If standard error is the journal's stream, each line carries its level,
// and events go there by the journal's own protocol.
#ifndef NVDIMMFS_TOOLS_LOG_TERMINAL_WRITER_H_
#define NVDIMMFS_TOOLS_LOG_TERMINAL_WRITER_H_

#include <optional>
#include <string>

#include "tools/log/journal_writer.h"
#include "tools/log/line_writer.h"

namespace nvdimmfs::tools {

class TerminalWriter final : public LineWriter {
 public:
  // `descriptor` is standard error, except in tests, and must stay open.
  explicit TerminalWriter(std::string program, int descriptor = 2);
  bool Write(core::LogLevel level, const std::string& line) override;
  bool WriteEvent(const core::EventKind& kind, const std::string& line) override;

 private:
  const std::string program_;
  const int descriptor_;
  const bool is_journal_;
  std::optional<JournalWriter> journal_;  // of events
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_TERMINAL_WRITER_H_
