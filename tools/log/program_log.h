// SPDX-License-Identifier: Apache-2.0
// A program's log: turns each message of core::Log into one printable line, limits the rate of each
// id, and passes the lines to one or two writers.
//
//   ProgramLog log("nvdimmfs");            // to the terminal
//   log.UseSystemLog();                    // to the system's log as well
//   log.LeaveTerminal();                   // from here on, only to the system's log
//
// A line is "SENTENCE [ID]", that of an event "SENTENCE [EVENT] [ID]" unless the two are the same;
// in the system's log it comes after a subject. What does not fit is cut off;
// lines that a writer loses are counted, and the count is reported with the next line that gets
// through.
//
// Thread rules: any thread. While it exists, it is the sink of core::Log; then the previous sink is
// restored.
#ifndef NVDIMMFS_TOOLS_LOG_PROGRAM_LOG_H_
#define NVDIMMFS_TOOLS_LOG_PROGRAM_LOG_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/base/log.h"
#include "tools/log/line_writer.h"
#include "tools/log/rate_limit.h"

namespace nvdimmfs::tools {

class ProgramLog final : public core::LogSink {
 public:
  explicit ProgramLog(std::string program);
  // For tests.
  ProgramLog(std::string program, std::unique_ptr<LineWriter> terminal);
  ~ProgramLog() override;
  ProgramLog(const ProgramLog&) = delete;
  ProgramLog& operator=(const ProgramLog&) = delete;

  void UseSystemLog() ABSL_LOCKS_EXCLUDED(mutex_);
  // Reports what was held back, and writes no more to the terminal.
  void LeaveTerminal() ABSL_LOCKS_EXCLUDED(mutex_);
  // What every sentence in the system's log is about: "/mnt/nd".
  void set_subject(std::string subject) ABSL_LOCKS_EXCLUDED(mutex_);

  void Write(core::LogLevel level, absl::string_view id, absl::string_view sentence) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void WriteEvent(const core::EventKind& kind, absl::string_view id,
                  absl::string_view sentence) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Output {
    std::unique_ptr<LineWriter> writer;
    uint64_t lost = 0;
  };

  // Of each line, `event` is its kind if it is an event's, else null.
  using Kind = const core::EventKind*;
  void PutLimited(core::LogLevel level, Kind event, absl::string_view id,
                  absl::string_view sentence) ABSL_LOCKS_EXCLUDED(mutex_);
  void Put(core::LogLevel level, Kind event, absl::string_view id, absl::string_view sentence)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutLine(Output& output, core::LogLevel level, Kind event, absl::string_view line)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellHeld(bool all) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string program_;
  core::LogSink* const before_;
  absl::Mutex mutex_;
  std::string subject_ ABSL_GUARDED_BY(mutex_);
  Output terminal_ ABSL_GUARDED_BY(mutex_);
  Output system_ ABSL_GUARDED_BY(mutex_);
  RateLimit limit_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_PROGRAM_LOG_H_
