// SPDX-License-Identifier: Apache-2.0
#include "core/model/event_log.h"

#include <cctype>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(EventKindsTest, NamesAndIdsAreDistinctAndWellFormed) {
  std::set<absl::string_view> names, ids;
  for (const EventKind& kind : EventKinds()) {
    EXPECT_EQ(&kind, &KindOf(kind.event));
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_TRUE(ids.insert(kind.message_id).second) << kind.name;
    EXPECT_EQ(kind.message_id.size(), 32U) << kind.name;
    for (const char digit : kind.message_id)
      EXPECT_TRUE(std::isxdigit(digit) != 0 && std::isupper(digit) == 0) << kind.name;
    EXPECT_LE(kind.level, LogLevel::kNotice) << kind.name;
  }
}

class EventLogTest : public testing::Test {
 protected:
  std::vector<std::string> Lines() const {
    return absl::StrSplit(log_.Text(), '\n', absl::SkipEmpty());
  }

  absl::Time now_ = absl::FromUnixMillis(1'780'000'000'123);
  EventLog log_{[this] { return now_; }};
};

TEST_F(EventLogTest, ALineSaysWhenWhatAndWhere) {
  EXPECT_EQ(log_.Text(), "");
  ReportRefusal(Event::kReadFailed, "dev/pmem0", Refusal(EIO, "media.poison", "read 512 bytes"));
  Report(Event::kPowerCut, "", "", "the power is cut");
  Report(Event::kImageGone, "/srv/a b.img", "", "it was deleted");
  EXPECT_EQ(log_.Text(),
            "1 2026-05-28T20:26:40.123Z error io.read_failed dev/pmem0 read 512 bytes "
            "[media.poison]\n"
            "2 2026-05-28T20:26:40.123Z warning media.power_cut - the power is cut\n"
            "3 2026-05-28T20:26:40.123Z warning image.gone '/srv/a b.img' it was deleted\n");
}

TEST_F(EventLogTest, JsonHasTheSame) {
  ReportRefusal(Event::kReadFailed, "dev/pmem0", Refusal(EIO, "media.poison", "read \"x\"\n"));
  EXPECT_EQ(log_.JsonLines(),
            "{\"number\":1,\"first\":\"2026-05-28T20:26:40.123Z\",\"last\":\"2026-05-28T20:26:40."
            "123Z\",\"count\":1,\"level\":\"error\",\"event\":\"io.read_failed\",\"message_id\":"
            "\"ca2a6beeb4ed455a83ed784f5abd50d2\",\"object\":\"dev/pmem0\",\"reason\":\"media."
            "poison\",\"sentence\":\"read \\\"x\\\"\\\\x0a\"}\n");
}

TEST_F(EventLogTest, EqualEventsOfAWindowAreOneEntry) {
  Report(Event::kReadFailed, "dev/pmem0", "media.poison", "first");
  for (int i = 0; i < 4; ++i) {
    now_ += absl::Seconds(2);
    Report(Event::kReadFailed, "dev/pmem0", "media.poison", "later");
  }
  EXPECT_THAT(Lines(), ElementsAre(AllOf(HasSubstr(" first [media.poison] (5 times, last at "),
                                         EndsWith("20:26:48.123Z)"))));
  now_ += absl::Seconds(2);
  Report(Event::kReadFailed, "dev/pmem0", "media.poison", "the next window");
  EXPECT_THAT(Lines(), SizeIs(2));
  EXPECT_EQ(log_.CountsByKind()[static_cast<size_t>(Event::kReadFailed)], 6U);
}

TEST_F(EventLogTest, WhatDiffersIsNotOneEntry) {
  Report(Event::kReadFailed, "dev/pmem0", "media.poison", "x");
  Report(Event::kWriteFailed, "dev/pmem0", "media.poison", "x");
  Report(Event::kReadFailed, "dev/pmem1", "media.poison", "x");
  Report(Event::kReadFailed, "dev/pmem0", "fault.eio", "x");
  EXPECT_THAT(Lines(), SizeIs(4));
}

TEST_F(EventLogTest, AClockThatIsSetBackBeginsANewEntry) {
  Report(Event::kReadFailed, "dev/pmem0", "", "x");
  now_ -= absl::Hours(1);
  Report(Event::kReadFailed, "dev/pmem0", "", "x");
  EXPECT_THAT(Lines(), SizeIs(2));
}

TEST_F(EventLogTest, TheOldestGoFirstAndThatIsSaid) {
  for (size_t i = 0; i < EventLog::kKept; ++i)
    Report(Event::kReadFailed, absl::StrCat("dev/pmem", i), "", "x");
  EXPECT_THAT(Lines(), SizeIs(EventLog::kKept));
  EXPECT_THAT(Lines().front(), StartsWith("1 "));
  for (int i = 0; i < 3; ++i) Report(Event::kWriteFailed, absl::StrCat("dev/pmem", i), "", "x");
  const std::vector<std::string> lines = Lines();
  ASSERT_THAT(lines, SizeIs(EventLog::kKept + 1));
  EXPECT_EQ(lines[0], "# 3 older events are gone");
  EXPECT_THAT(lines[1], StartsWith("4 "));
  EXPECT_THAT(lines.back(), StartsWith(absl::StrCat(EventLog::kKept + 3, " ")));
  EXPECT_THAT(log_.JsonLines(), StartsWith("{\"gone\":3}\n{\"number\":4,"));
  // An event whose entry is gone gets a new one.
  Report(Event::kReadFailed, "dev/pmem0", "", "again");
  EXPECT_THAT(Lines().back(), Not(HasSubstr("times")));
}

TEST_F(EventLogTest, NoHostileTextBreaksALineOrFillsMemory) {
  Report(Event::kImageGone, "/a\nb'", "", std::string(1 << 20, 'x') + "\x1b");
  ASSERT_THAT(Lines(), SizeIs(1));
  EXPECT_LT(Lines()[0].size(), 2 * EventLog::kMostText);
  EXPECT_THAT(Lines()[0], HasSubstr("'/a\\x0ab'\\'''"));
}

TEST_F(EventLogTest, CountsAreByObjectUpToALimit) {
  Report(Event::kFlushFailed, "dev/pmem0", "", "x");
  Report(Event::kFlushFailed, "dev/pmem0", "", "x");
  for (size_t i = 0; i < 2 * EventLog::kMostObjects; ++i)
    Report(Event::kReadFailed, absl::StrCat("dev/x", i), "", "x");
  const auto counts = log_.CountsByObject();
  EXPECT_LE(counts.size(), EventLog::kMostObjects + 1);
  uint64_t flushes = 0, reads = 0;
  for (const EventLog::Count& count : counts) {
    if (count.event == Event::kFlushFailed) flushes += count.events;
    if (count.event == Event::kReadFailed) reads += count.events;
  }
  EXPECT_EQ(flushes, 2U);
  EXPECT_EQ(reads, 2 * EventLog::kMostObjects);
}

TEST_F(EventLogTest, TheListenerHearsOfEntriesAndOfRepeats) {
  absl::Notification entry, repeat;
  std::atomic<int> calls{0};
  log_.SetListener([&] {
    const int call = ++calls;
    if (call == 1) entry.Notify();
    if (call == 2) repeat.Notify();
  });
  Report(Event::kFlushFailed, "dev/pmem0", "", "x");
  entry.WaitForNotification();
  for (int i = 0; i < 1000; ++i) Report(Event::kFlushFailed, "dev/pmem0", "", "x");
  repeat.WaitForNotification();
  log_.SetListener(nullptr);
  EXPECT_LE(calls, 3) << "a storm makes few calls";
}

TEST(EventSinkTest, WithoutALogEventsAreDropped) {
  { const EventLog log; }
  Report(Event::kFlushFailed, "dev/pmem0", "", "x");
  const EventLog log;
  EXPECT_THAT(log.Text(), IsEmpty());
}

}  // namespace
}  // namespace nvdimmfs::core
