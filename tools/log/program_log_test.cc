// SPDX-License-Identifier: Apache-2.0
#include "tools/log/program_log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/event.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/log/journal_writer.h"
#include "tools/log/rate_limit.h"
#include "tools/log/syslog_writer.h"
#include "tools/log/terminal_writer.h"

namespace nvdimmfs::tools {
namespace {

using core::LogLevel;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr RateLimit::Time kStart{};

TEST(RateLimitTest, ABurstPassesAndTheRestIsCounted) {
  RateLimit limit;
  for (int i = 0; i < RateLimit::kBurst; ++i) EXPECT_TRUE(limit.Admit("a", kStart));
  EXPECT_FALSE(limit.Admit("a", kStart));
  EXPECT_FALSE(limit.Admit("a", kStart));
  EXPECT_THAT(limit.TakeHeld(kStart), IsEmpty());
  EXPECT_THAT(limit.TakeHeld(kStart + RateLimit::kWindow), ElementsAre(Pair("a", 2)));
  EXPECT_THAT(limit.TakeHeld(kStart + RateLimit::kWindow), IsEmpty());
  EXPECT_TRUE(limit.Admit("a", kStart + RateLimit::kWindow));
}

TEST(RateLimitTest, KindsDoNotCrowdEachOtherOut) {
  RateLimit limit;
  while (limit.Admit("a", kStart)) {
  }
  EXPECT_TRUE(limit.Admit("b", kStart));
}

class Collector final : public LineWriter {
 public:
  explicit Collector(std::vector<std::string>& lines) : lines_(lines) {}
  bool Write(LogLevel level, const std::string& line) override {
    if (deaf) return false;
    lines_.push_back(absl::StrCat(static_cast<int>(level), " ", line));
    return true;
  }
  bool deaf = false;

 private:
  std::vector<std::string>& lines_;
};

class ProgramLogTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_;
  Collector* collector_ = new Collector(lines_);
  std::unique_ptr<ProgramLog> log_ =
      std::make_unique<ProgramLog>("test", std::unique_ptr<LineWriter>(collector_));
};

TEST_F(ProgramLogTest, ALineIsASentenceAndItsId) {
  core::LogRefusal(LogLevel::kError, core::Refusal(EIO, "media.poison", "read 512 bytes"));
  core::LogFinding("nmem0", {.reason = "label.slot.checksum", .sentence = "slot 3 is damaged"});
  EXPECT_THAT(lines_, ElementsAre("0 read 512 bytes [media.poison]",
                                  "2 nmem0: slot 3 is damaged [label.slot.checksum]"));
}

TEST_F(ProgramLogTest, AnEventHasItsNameToo) {
  core::ReportRefusal(core::Event::kReadFailed, "dev/pmem0",
                      core::Refusal(EIO, "media.poison", "read 512 bytes"));
  core::Report(core::Event::kPowerCut, "", "", "the power is cut");
  EXPECT_THAT(lines_, ElementsAre("0 dev/pmem0: read 512 bytes [io.read_failed] [media.poison]",
                                  "1 the power is cut [media.power_cut]"));
}

TEST_F(ProgramLogTest, HostileTextStaysOneShortPrintableLine) {
  core::Log(LogLevel::kError, "a.b", "x\n<0>forged \x1b[2J \xff");
  core::Log(LogLevel::kError, "a.b", std::string(1 << 20, 'x'));
  ASSERT_THAT(lines_, SizeIs(2));
  for (const char bad : {'\n', '\x1b', '\xff'}) EXPECT_EQ(lines_[0].find(bad), std::string::npos);
  EXPECT_LE(lines_[1].size(), LineWriter::kMaxLine + 2);
}

TEST_F(ProgramLogTest, WhatIsHeldBackIsToldAtTheEnd) {
  for (int i = 0; i < 1000; ++i) core::Log(LogLevel::kError, "a.b", "again");
  log_.reset();
  ASSERT_THAT(lines_, SizeIs(RateLimit::kBurst + 1));
  EXPECT_THAT(lines_.back(), HasSubstr(absl::StrCat(1000 - RateLimit::kBurst, " more")));
}

TEST_F(ProgramLogTest, LostLinesAreCountedAndTold) {
  collector_->deaf = true;
  core::Log(LogLevel::kError, "a.b", "one");
  core::Log(LogLevel::kError, "a.b", "two");
  collector_->deaf = false;
  core::Log(LogLevel::kError, "a.b", "three");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("2 messages were lost"), "0 three [a.b]"));
}

TEST_F(ProgramLogTest, NothingComesOnceItIsGone) {
  log_.reset();
  core::Log(LogLevel::kError, "a.b", "late");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST(TerminalWriterTest, AReaderThatIsGoneRaisesNoSignal) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  TerminalWriter writer("test", ends[1]);
  close(ends[0]);
  EXPECT_FALSE(writer.Write(LogLevel::kError, "x"));  // SIGPIPE would end the test
  close(ends[1]);
}

// Each of them would wait for ever if a write waited.
TEST(TerminalWriterTest, AReaderThatDoesNotReadCostsLinesOnly) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  TerminalWriter writer("test", ends[1]);
  while (writer.Write(LogLevel::kNotice, std::string(LineWriter::kMaxLine, 'x'))) {
  }
  EXPECT_EQ(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0) << "others share this opening";
  std::array<char, 6> start;
  ASSERT_EQ(read(ends[0], start.data(), start.size()), 6);
  EXPECT_EQ(std::string(start.data(), 6), "test: ");
  close(ends[0]);
  close(ends[1]);
}

TEST(TerminalWriterTest, AClosedStandardErrorLosesLines) {
  TerminalWriter writer("test", 9999);
  EXPECT_FALSE(writer.Write(LogLevel::kError, "x"));
}

class SocketTest : public ::testing::Test {
 protected:
  void TearDown() override {
    close(socket_);
    unlink(path_.c_str());
  }
  void Listen() {
    if (socket_ >= 0) close(socket_);
    unlink(path_.c_str());
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  std::string Receive() {
    std::array<char, 8192> message;
    const ssize_t n = recv(socket_, message.data(), message.size(), MSG_DONTWAIT);
    return n < 0 ? "" : std::string(message.data(), static_cast<size_t>(n));
  }

  const std::string path_ = absl::StrCat("/tmp/nvdimmfs_log.", getpid());
  int socket_ = -1;
};

using SyslogWriterTest = SocketTest;

TEST_F(SyslogWriterTest, AMessageHasFacilityLevelProgramAndPid) {
  Listen();
  SyslogWriter writer("test", path_);
  ASSERT_TRUE(writer.Write(LogLevel::kError, "a sentence"));
  const std::string message = Receive();
  EXPECT_THAT(message, StartsWith("<27>"));  // daemon.err
  EXPECT_THAT(message, EndsWith(absl::StrCat(" test[", getpid(), "]: a sentence")));
}

TEST_F(SyslogWriterTest, AReaderThatStartsLaterOrAgainIsFound) {
  SyslogWriter writer("test", path_);
  EXPECT_FALSE(writer.Write(LogLevel::kError, "nobody there"));
  Listen();
  EXPECT_TRUE(writer.Write(LogLevel::kError, "first"));
  EXPECT_THAT(Receive(), EndsWith("first"));
  Listen();
  EXPECT_TRUE(writer.Write(LogLevel::kError, "second"));
  EXPECT_THAT(Receive(), EndsWith("second"));
}

using JournalWriterTest = SocketTest;

TEST_F(JournalWriterTest, AnEventHasItsFields) {
  Listen();
  JournalWriter writer("test", path_);
  const core::EventKind& kind = core::KindOf(core::Event::kFlushFailed);
  ASSERT_TRUE(writer.WriteEvent(kind, "a sentence [flush.failed]"));
  EXPECT_EQ(
      Receive(),
      absl::StrCat("MESSAGE=a sentence [flush.failed]\nPRIORITY=3\nSYSLOG_FACILITY=3\n"
                   "SYSLOG_IDENTIFIER=test\nSYSLOG_PID=",
                   getpid(), "\nMESSAGE_ID=", kind.message_id, "\nNVDIMMFS_EVENT=flush.failed\n"));
  ASSERT_TRUE(writer.Write(LogLevel::kNotice, "no event"));
  EXPECT_THAT(Receive(), Not(HasSubstr("MESSAGE_ID")));
  EXPECT_FALSE(JournalWriter::Reads(path_)) << "it is not the journal's";
}

TEST_F(SyslogWriterTest, AReaderThatDoesNotReadCostsLinesOnly) {
  Listen();
  SyslogWriter writer("test", path_);
  while (writer.Write(LogLevel::kError, "x")) {
  }
  while (Receive() != "") {
  }
  EXPECT_TRUE(writer.Write(LogLevel::kError, "again"));
}

}  // namespace
}  // namespace nvdimmfs::tools
