// SPDX-License-Identifier: Apache-2.0
#include "tools/log/journal_writer.h"

#include <syslog.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/event.h"
#include "tools/log/syslog_priority.h"

namespace nvdimmfs::tools {

JournalWriter::JournalWriter(std::string program, std::string path)
    : program_(std::move(program)), socket_(std::move(path)) {}

// Without newlines within, a field is a line "NAME=value".
std::string JournalWriter::Fields(core::LogLevel level, const std::string& line) const {
  return absl::StrCat("MESSAGE=", line, "\nPRIORITY=", SyslogPriority(level),
                      "\nSYSLOG_FACILITY=", LOG_FAC(LOG_DAEMON), "\nSYSLOG_IDENTIFIER=", program_,
                      "\nSYSLOG_PID=", getpid(), "\n");
}

bool JournalWriter::Write(core::LogLevel level, const std::string& line) {
  return socket_.Send(Fields(level, line));
}

bool JournalWriter::WriteEvent(const core::EventKind& kind, const std::string& line) {
  return socket_.Send(absl::StrCat(Fields(kind.level, line), "MESSAGE_ID=", kind.message_id,
                                   "\nNVDIMMFS_EVENT=", kind.name, "\n"));
}

bool JournalWriter::Reads(const std::string& log) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(log, error);
  return !error && absl::StartsWith(real.string(), "/run/systemd/journal/");
}

}  // namespace nvdimmfs::tools
