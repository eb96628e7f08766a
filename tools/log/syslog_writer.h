// SPDX-License-Identifier: Apache-2.0
// Log lines to the system's log, through the socket /dev/log: systemd's journal, rsyslog, busybox.
//
// Not syslog(3), which waits while its reader is busy.
#ifndef NVDIMMFS_TOOLS_LOG_SYSLOG_WRITER_H_
#define NVDIMMFS_TOOLS_LOG_SYSLOG_WRITER_H_

#include <string>

#include "tools/log/line_writer.h"
#include "tools/log/log_socket.h"

namespace nvdimmfs::tools {

class SyslogWriter final : public LineWriter {
 public:
  explicit SyslogWriter(std::string program, std::string path = "/dev/log");
  bool Write(core::LogLevel level, const std::string& line) override;

 private:
  const std::string program_;
  LogSocket socket_;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_SYSLOG_WRITER_H_
