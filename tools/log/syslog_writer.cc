// SPDX-License-Identifier: Apache-2.0
#include "tools/log/syslog_writer.h"

#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/log/syslog_priority.h"

namespace nvdimmfs::tools {
namespace {

// "Nov 30 11:08:01", as in RFC 3164: independent of the locale.
std::string Now() {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t now = time(nullptr);
  struct tm parts = {};
  localtime_r(&now, &parts);
  char text[32];
  snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", kMonths[parts.tm_mon % 12], parts.tm_mday,
           parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

}  // namespace

SyslogWriter::SyslogWriter(std::string program, std::string path)
    : program_(std::move(program)), socket_(std::move(path)) {}

bool SyslogWriter::Write(core::LogLevel level, const std::string& line) {
  return socket_.Send(absl::StrCat("<", LOG_DAEMON | SyslogPriority(level), ">", Now(), " ",
                                   program_, "[", getpid(), "]: ", line));
}

}  // namespace nvdimmfs::tools
