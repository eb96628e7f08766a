// SPDX-License-Identifier: Apache-2.0
#include "backends/file_users.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

// A process that holds something until it is let go.
class Holder {
 public:
  explicit Holder(const std::function<void()>& take) {
    int ready[2], go[2];
    if (pipe(ready) != 0 || pipe(go) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      close(go[1]);
      take();
      char byte = 1;
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      (void)!read(go[0], &byte, 1);
      _exit(0);
    }
    char byte;
    (void)!read(ready[0], &byte, 1);
    close(ready[0]), close(ready[1]), close(go[0]);
    go_ = go[1];
  }
  ~Holder() {
    close(go_);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  int go_;
};

class FileUsersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::string(getenv("TEST_TMPDIR") ? getenv("TEST_TMPDIR") : "/tmp") + "/users.XXXXXX";
    const int fd = mkstemp(path_.data());
    ASSERT_EQ(ftruncate(fd, 8192), 0);
    close(fd);
  }
  void TearDown() override {
    if (fd_ >= 0) close(fd_);
    unlink(path_.c_str());
  }
  int Open(int flags) { return fd_ = open(path_.c_str(), flags | O_CLOEXEC); }
  std::optional<FileUser> Find(pid_t pid) {
    const auto users = FindFileUsers(fd_);
    const auto it = std::find_if(users.begin(), users.end(),
                                 [pid](const FileUser& user) { return user.pid == pid; });
    return it == users.end() ? std::nullopt : std::optional<FileUser>(*it);
  }
  std::string path_;
  int fd_ = -1;
};

TEST_F(FileUsersTest, NobodyButTheAskingDescriptorIsNobody) {
  Open(O_RDWR);
  EXPECT_TRUE(FindFileUsers(fd_).empty());
  EXPECT_NE(AskByLease(fd_), LeaseAnswer::kInUse);
}

TEST_F(FileUsersTest, AProcessThatHasItOpenIsNamed) {
  Holder holder([&] { (void)open(path_.c_str(), O_RDONLY); });
  Open(O_RDWR);
  const auto user = Find(holder.pid());
  ASSERT_TRUE(user.has_value());
  EXPECT_FALSE(user->command.empty());
  EXPECT_FALSE(user->writes);
  EXPECT_FALSE(user->maps);
  EXPECT_NE(AskByLease(fd_), LeaseAnswer::kFree);
}

TEST_F(FileUsersTest, AWriterIsToldFromAReader) {
  Holder holder([&] { (void)open(path_.c_str(), O_WRONLY); });
  Open(O_RDONLY);
  ASSERT_TRUE(Find(holder.pid()).has_value());
  EXPECT_TRUE(Find(holder.pid())->writes);
  EXPECT_NE(AskByLease(fd_), LeaseAnswer::kFree);
}

TEST_F(FileUsersTest, AReaderDoesNotDisturbAReader) {
  Holder holder([&] { (void)open(path_.c_str(), O_RDONLY); });
  Open(O_RDONLY);
  EXPECT_NE(AskByLease(fd_), LeaseAnswer::kInUse);
}

TEST_F(FileUsersTest, AMappingWithoutADescriptorIsSeen) {
  Holder holder([&] {
    const int fd = open(path_.c_str(), O_RDWR);
    if (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096) == MAP_FAILED) _exit(1);
    close(fd);
  });
  Open(O_RDONLY);
  const auto user = Find(holder.pid());
  ASSERT_TRUE(user.has_value());
  EXPECT_TRUE(user->maps);
  EXPECT_TRUE(user->writes);
  EXPECT_NE(AskByLease(fd_), LeaseAnswer::kFree);
}

TEST_F(FileUsersTest, AnotherDescriptorOfThisProcessIsSeen) {
  const int other = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  Open(O_RDWR);
  EXPECT_TRUE(Find(getpid()).has_value());
  EXPECT_NE(AskByLease(fd_), LeaseAnswer::kFree);
  close(other);
}

TEST_F(FileUsersTest, TheLeaseIsGivenBack) {
  Open(O_RDWR);
  (void)AskByLease(fd_);
  // A lease that still stood would make this fail with EWOULDBLOCK.
  const int other = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  EXPECT_GE(other, 0);
  close(other);
}

}  // namespace
}  // namespace nvdimmfs::backends
