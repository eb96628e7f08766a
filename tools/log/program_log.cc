// SPDX-License-Identifier: Apache-2.0
#include "tools/log/program_log.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/utf8.h"
#include "tools/log/journal_writer.h"
#include "tools/log/syslog_writer.h"
#include "tools/log/terminal_writer.h"

namespace nvdimmfs::tools {
namespace {

using core::LogLevel;

// Names come from media, paths from users. One event stays one line.
std::string Printable(absl::string_view text) {
  std::string clean = core::EscapeSentence(text);
  if (clean.size() <= LineWriter::kMaxLine) return clean;
  size_t end = LineWriter::kMaxLine - 3;
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(absl::string_view(clean).substr(0, end), "...");
}

}  // namespace

ProgramLog::ProgramLog(std::string program)
    : ProgramLog(program, std::make_unique<TerminalWriter>(program)) {}

ProgramLog::ProgramLog(std::string program, std::unique_ptr<LineWriter> terminal)
    : program_(std::move(program)),
      before_(core::SetLogSink(this)),
      terminal_{.writer = std::move(terminal)} {}

ProgramLog::~ProgramLog() {
  core::SetLogSink(before_);
  absl::MutexLock lock(&mutex_);
  TellHeld(true);
}

void ProgramLog::UseSystemLog() {
  absl::MutexLock lock(&mutex_);
  if (system_.writer != nullptr) return;
  if (JournalWriter::Reads())
    system_.writer = std::make_unique<JournalWriter>(program_);
  else
    system_.writer = std::make_unique<SyslogWriter>(program_);
}

void ProgramLog::LeaveTerminal() {
  absl::MutexLock lock(&mutex_);
  TellHeld(true);
  terminal_.writer.reset();
}

void ProgramLog::set_subject(std::string subject) {
  absl::MutexLock lock(&mutex_);
  subject_ = std::move(subject);
}

void ProgramLog::Write(LogLevel level, absl::string_view id, absl::string_view sentence) {
  PutLimited(level, nullptr, id, sentence);
}

void ProgramLog::WriteEvent(const core::EventKind& kind, absl::string_view id,
                            absl::string_view sentence) {
  PutLimited(kind.level, &kind, id, sentence);
}

void ProgramLog::PutLimited(LogLevel level, Kind event, absl::string_view id,
                            absl::string_view sentence) {
  absl::MutexLock lock(&mutex_);
  TellHeld(false);
  if (level == LogLevel::kDebug || limit_.Admit(id, std::chrono::steady_clock::now()))
    Put(level, event, id, sentence);
}

void ProgramLog::TellHeld(bool all) {
  const auto held = limit_.TakeHeld(
      all ? std::nullopt : std::optional<RateLimit::Time>(std::chrono::steady_clock::now()));
  for (const auto& [id, count] : held)
    Put(LogLevel::kWarning, nullptr, id,
        absl::StrCat(count, " more messages like this were not logged"));
}

void ProgramLog::Put(LogLevel level, Kind event, absl::string_view id, absl::string_view sentence) {
  std::string line(sentence);
  if (event != nullptr && event->name != id) absl::StrAppend(&line, " [", event->name, "]");
  if (!id.empty()) absl::StrAppend(&line, " [", id, "]");
  PutLine(terminal_, level, event, line);
  PutLine(system_, level, event, absl::StrCat(subject_, subject_.empty() ? "" : ": ", line));
}

void ProgramLog::PutLine(Output& output, LogLevel level, Kind event, absl::string_view line) {
  if (output.writer == nullptr) return;
  if (output.lost != 0 &&
      output.writer->Write(LogLevel::kWarning,
                           absl::StrCat(output.lost,
                                        " messages were lost: the log did not take "
                                        "them [log.lost]")))
    output.lost = 0;
  const std::string text = Printable(line);
  const bool done = event == nullptr ? output.writer->Write(level, text)
                                     : output.writer->WriteEvent(*event, text);
  if (!done) ++output.lost;
}

}  // namespace nvdimmfs::tools
