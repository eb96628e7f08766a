// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/journal.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUuid[] = "283f24e6-de49-453d-8257-9dededc9c03d";

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/journal.XXXXXX");
    directory_ = mkdtemp(pattern.data());
  }
  ~JournalTest() override { std::filesystem::remove_all(directory_); }

  Journal::Content Load() {
    auto content = Journal(directory_).Load();
    EXPECT_TRUE(content.ok()) << content.status();
    return *content;
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }
  static Record Example() {
    return {.uuid = kUuid,
            .name = "db",
            .source = "/srv/vm.img",
            .state = RecordState::kFormatting,
            .options = {.size = 64 << 20, .on_raw = true},
            .changed = 1700000000,
            .boot_id = "b",
            .mount_ids = {"one", "two"}};
  }

  std::string directory_;
};

TEST_F(JournalTest, ARecordComesBackAsItWas) {
  const Record example = Example();
  ASSERT_TRUE(Journal(directory_).Put(example).ok());
  const Journal::Content content = Load();
  EXPECT_THAT(content.complaints, IsEmpty());
  ASSERT_THAT(content.records, SizeIs(1));
  EXPECT_EQ(ToJson(content.records[0]), ToJson(example));
  EXPECT_EQ(content.records[0].options, example.options);
  EXPECT_EQ(content.records[0].mount_ids, example.mount_ids);
}

TEST_F(JournalTest, TheLastPutCountsAndADropIsTheEnd) {
  Journal journal(directory_);
  Record record = Example();
  ASSERT_TRUE(journal.Put(record).ok());
  record.state = RecordState::kReady;
  ASSERT_TRUE(journal.Put(record).ok());
  ASSERT_THAT(Load().records, SizeIs(1));
  EXPECT_EQ(Load().records[0].state, RecordState::kReady);
  EXPECT_TRUE(journal.Drop(kUuid).ok());
  EXPECT_TRUE(journal.Drop(kUuid).ok());
  EXPECT_THAT(Load().records, IsEmpty());
}

TEST_F(JournalTest, NobodyElseMayReadIt) {
  ASSERT_TRUE(Journal(directory_).Put(Example()).ok());
  struct stat stat = {};
  ASSERT_EQ(::stat(absl::StrCat(directory_, "/", kUuid, ".json").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 07777, 0600u);
}

TEST_F(JournalTest, WhatAKilledWriterLeftIsRemoved) {
  Journal journal(directory_);
  ASSERT_TRUE(journal.Put(Example()).ok());
  Write(absl::StrCat(kUuid, ".json.new"), "{\"half");
  const Journal::Content content = Load();
  EXPECT_THAT(content.records, SizeIs(1));
  EXPECT_THAT(content.complaints, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(absl::StrCat(directory_, "/", kUuid, ".json.new")));
}

TEST_F(JournalTest, WhatIsNoRecordIsToldAndLeftAlone) {
  const std::string good = ToJson(Example());
  std::string other = good;
  other.replace(other.find("\"version\": 1"), 12, "\"version\": 9");
  std::string escape = good;
  escape.replace(escape.find("\"db\""), 4, "\"../..\"");
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{\"version\":1}"),
        good.substr(0, good.size() / 2), other, escape}) {
    Write(absl::StrCat(kUuid, ".json"), text);
    const Journal::Content content = Load();
    EXPECT_THAT(content.records, IsEmpty()) << text;
    ASSERT_THAT(content.complaints, SizeIs(1)) << text;
    EXPECT_THAT(content.complaints[0], HasSubstr(kUuid));
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat(directory_, "/", kUuid, ".json")));
  }
}

TEST_F(JournalTest, ARecordUnderAnothersNameIsNone) {
  Write("00000000-0000-4000-8000-000000000000.json", ToJson(Example()));
  EXPECT_THAT(Load().complaints, SizeIs(1));
}

TEST_F(JournalTest, WithoutItsDirectoryItRefuses) {
  Journal journal(directory_ + "/none");
  EXPECT_EQ(core::ErrnoOf(journal.Put(Example())), ENOENT);
  EXPECT_EQ(core::ErrnoOf(journal.Load().status()), ENOENT);
}

}  // namespace
}  // namespace nvdimmfs::volumes
