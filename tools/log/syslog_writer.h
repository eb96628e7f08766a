// SPDX-License-Identifier: Apache-2.0
// Log lines to the system's log, through the socket /dev/log: systemd's journal, rsyslog, busybox.
//
// Not syslog(3), which waits while its reader is busy. Here a line is lost if the socket is full.
// When the reader is restarted, its new socket is found; if there is none at first, each line looks
// for it.
#ifndef NVDIMMFS_TOOLS_LOG_SYSLOG_WRITER_H_
#define NVDIMMFS_TOOLS_LOG_SYSLOG_WRITER_H_

#include <string>

#include "tools/log/line_writer.h"

namespace nvdimmfs::tools {

class SyslogWriter final : public LineWriter {
 public:
  explicit SyslogWriter(std::string program, std::string path = "/dev/log");
  ~SyslogWriter() override;
  bool Write(core::LogLevel level, const std::string& line) override;

 private:
  bool Connect();
  bool Send(const std::string& message);

  const std::string program_;
  // The original folder in which the socket is, or will be, and the socket's path through it. A
  // shell later covers /dev with a view whose lookups ask this daemon: a log line that looked there
  // would wait for itself.
  int folder_ = -1;
  std::string path_;
  int socket_ = -1;
  bool is_stream_ = false;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_SYSLOG_WRITER_H_
