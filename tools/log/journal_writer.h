// SPDX-License-Identifier: Apache-2.0
// Log lines to systemd's journal by its own protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL), which unlike syslog's carries fields: an event has
// its MESSAGE_ID, and its name in NVDIMMFS_EVENT.
#ifndef NVDIMMFS_TOOLS_LOG_JOURNAL_WRITER_H_
#define NVDIMMFS_TOOLS_LOG_JOURNAL_WRITER_H_

#include <string>

#include "tools/log/line_writer.h"
#include "tools/log/log_socket.h"

namespace nvdimmfs::tools {

class JournalWriter final : public LineWriter {
 public:
  static constexpr char kSocket[] = "/run/systemd/journal/socket";

  explicit JournalWriter(std::string program, std::string path = kSocket);
  bool Write(core::LogLevel level, const std::string& line) override;
  bool WriteEvent(const core::EventKind& kind, const std::string& line) override;

  // Whether `log`, the system's log socket, is the journal's.
  static bool Reads(const std::string& log = "/dev/log");

 private:
  std::string Fields(core::LogLevel level, const std::string& line) const;

  const std::string program_;
  LogSocket socket_;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_JOURNAL_WRITER_H_
