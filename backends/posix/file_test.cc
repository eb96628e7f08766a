// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "backends/posix/folder.h"
#include "core/base/status.h"

namespace nvdimmfs::posix {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(getenv("TEST_TMPDIR") ? getenv("TEST_TMPDIR") : "/tmp") + "/file.XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/file";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_, path_;
};

TEST_F(FileTest, ReadsWhatWasWrittenUpToALimit) {
  const std::string text(100000, 'x');
  ASSERT_EQ(WriteFile(path_, text, 0600), 0);
  EXPECT_EQ(*ReadFile(path_), text);
  EXPECT_EQ(ReadFile(path_, 5000)->size(), 5000u);
  EXPECT_EQ(ReadFile(path_, 0)->size(), 0u);
  ASSERT_EQ(WriteFile(path_, "short", 0600), 0);
  EXPECT_EQ(*ReadFile(path_), "short");
}

// Files of /proc have a size of 0.
TEST_F(FileTest, ReadsAFileThatDoesNotTellItsSize) {
  EXPECT_FALSE(ReadFile("/proc/self/maps")->empty());
}

TEST_F(FileTest, SaysWhatCannotBeRead) {
  EXPECT_EQ(core::ErrnoOf(ReadFile(path_).status()), ENOENT);
  EXPECT_EQ(core::ErrnoOf(ReadFile(folder_).status()), EISDIR);
  EXPECT_EQ(core::ReasonOf(ReadFile(folder_).status()), "file.read");
  EXPECT_EQ(core::ErrnoOf(ReadFolder(path_).status()), ENOENT);
  EXPECT_EQ(WriteFile(folder_, "x", 0600), EISDIR);
  EXPECT_EQ(WriteAttribute(path_, "x"), ENOENT);
  EXPECT_EQ(WriteAttribute("/dev/full", "x"), ENOSPC);
  EXPECT_FALSE(ReadAttribute(AT_FDCWD, path_));
}

TEST_F(FileTest, ReadsAttributesBelowAFolder) {
  ASSERT_EQ(WriteFile(path_, "one\ntwo\n", 0600), 0);
  const Descriptor folder = OpenFolder(folder_);
  EXPECT_EQ(ReadAttribute(folder.get(), "file"), "one\ntwo\n");
  EXPECT_EQ(ReadLine(folder.get(), "file"), "one");
  ASSERT_EQ(WriteAttribute(folder.get(), "file", "new"), 0);
  EXPECT_EQ(ReadLine(folder.get(), "file"), "new");
}

TEST_F(FileTest, ListsAFolder) {
  for (const char* name : {"b", "a", ".c"}) ASSERT_EQ(WriteFile(folder_ + "/" + name, "", 0600), 0);
  const std::vector<std::string> names = {".c", "a", "b"};
  EXPECT_EQ(*ReadFolder(folder_), names);
  const Descriptor folder = OpenFolder(folder_);
  EXPECT_EQ(NamesIn(folder.get()), names);
  EXPECT_EQ(NamesIn(folder.get()), names);  // again from the start
  EXPECT_TRUE(NamesIn(-1).empty());
  EXPECT_EQ(SyncFolder(folder_), 0);
  EXPECT_EQ(SyncFolder(path_), ENOENT);
}

TEST_F(FileTest, FindsTheFolderOfAPath) {
  EXPECT_EQ(FolderOf("file"), ".");
  EXPECT_EQ(FolderOf("/file"), "/");
  EXPECT_EQ(FolderOf("/a/b"), "/a");
}

}  // namespace
}  // namespace nvdimmfs::posix
