// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/new_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace nvdimmfs::posix {
namespace {

class NewFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(getenv("TEST_TMPDIR") ? getenv("TEST_TMPDIR") : "/tmp") + "/new.XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/file";
    beside_ = folder_ + "/beside";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Content() {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t CountFiles() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::string folder_, path_, beside_;
};

// Files of this process cannot grow beyond `bytes`, as on a disk that is full.
class Limited {
 public:
  explicit Limited(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    old_ = signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~Limited() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, old_);
  }

 private:
  rlimit before_;
  void (*old_)(int);
};

TEST_F(NewFileTest, IsWrittenWholeWithItsMode) {
  ASSERT_EQ(WriteNewFile(path_, "hello", 0600), 0);
  EXPECT_EQ(Content(), "hello");
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(WriteNewFile(path_, "again", 0600), EEXIST);
  EXPECT_EQ(Content(), "hello");
}

TEST_F(NewFileTest, AFailureLeavesNoFile) {
  const Limited limited(1000);
  EXPECT_EQ(WriteNewFile(path_, std::string(5000, 'x'), 0600), EFBIG);
  EXPECT_EQ(CountFiles(), 0u);
  EXPECT_EQ(WriteNewFile(folder_ + "/none/file", "x", 0600), ENOENT);
}

TEST_F(NewFileTest, AFailedReplacementLeavesTheOldFile) {
  ASSERT_EQ(ReplaceFile(path_, beside_, "old", 0644), 0);
  ASSERT_EQ(ReplaceFile(path_, beside_, "new", 0644), 0);
  EXPECT_EQ(Content(), "new");
  const Limited limited(1000);
  EXPECT_EQ(ReplaceFile(path_, beside_, std::string(5000, 'x'), 0644), EFBIG);
  EXPECT_EQ(Content(), "new");
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(NewFileTest, WhatLiesBesideIsNobodysToOverwrite) {
  std::ofstream(beside_) << "precious";
  EXPECT_EQ(ReplaceFile(path_, beside_, "new", 0644), EEXIST);
  std::string content;
  std::ifstream(beside_) >> content;
  EXPECT_EQ(content, "precious");
  // A directory cannot be replaced.
  std::filesystem::remove(beside_);
  std::filesystem::create_directory(path_);
  EXPECT_NE(ReplaceFile(path_, beside_, "new", 0644), 0);
  EXPECT_EQ(CountFiles(), 1u);
}

}  // namespace
}  // namespace nvdimmfs::posix
