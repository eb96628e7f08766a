// SPDX-License-Identifier: Apache-2.0
#include "backends/open_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <string>

#include "absl/strings/str_cat.h"
#include "backends/closing_mark.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

class OpenStoreTest : public ::testing::Test {
 protected:
  ~OpenStoreTest() override { unlink(path_.c_str()); }
  posix::Descriptor Open(int flags = O_RDWR) const {
    return posix::Descriptor(open(path_.c_str(), flags | O_CREAT | O_CLOEXEC, 0600));
  }

  const std::string path_ = absl::StrCat("/tmp/nvdimmfs_store.", getpid());
};

absl::Status Lost() { return core::Refusal(EIO, "media.flush", "lost"); }

TEST_F(OpenStoreTest, OneFileIsOneStoreHoweverItWasOpened) {
  const posix::Descriptor first = Open(), second = Open();
  const auto store = OpenStore::OfFile(first.get(), path_);
  EXPECT_EQ(OpenStore::OfFile(second.get(), path_), store);
  const auto other = OpenStore::Make(first.get(), [] { return absl::OkStatus(); });
  EXPECT_NE(other, store);
}

TEST_F(OpenStoreTest, AllAreFlushedOnceAndTheFirstFailureIsTold) {
  const posix::Descriptor file = Open();
  int flushes = 0;
  const auto sound = OpenStore::Make(file.get(), [&] { return ++flushes, absl::OkStatus(); });
  EXPECT_TRUE(OpenStore::FlushAll().ok());
  const auto broken = OpenStore::Make(file.get(), [&] { return ++flushes, Lost(); });
  EXPECT_EQ(core::ReasonOf(OpenStore::FlushAll()), "media.flush");
  EXPECT_EQ(flushes, 3);
}

TEST_F(OpenStoreTest, AFailureOfAPartIsFinalForTheWholeAndTheOtherWayRound) {
  const posix::Descriptor file = Open();
  bool asked = false;
  const auto ask = [&] { return asked = true, absl::OkStatus(); };
  const auto parts = OpenStore::Make(file.get(), ask);
  EXPECT_TRUE(parts->FlushPart(ask).ok());
  EXPECT_FALSE(parts->FlushPart(Lost).ok());
  asked = false;
  EXPECT_FALSE(parts->Flush().ok());
  EXPECT_FALSE(parts->FlushPart(ask).ok());
  const auto whole = OpenStore::Make(file.get(), Lost);
  EXPECT_FALSE(whole->Flush().ok());
  EXPECT_FALSE(whole->FlushPart(ask).ok());
  EXPECT_FALSE(asked) << "what was lost would count as stored";
}

TEST_F(OpenStoreTest, WhoeverOpensAFileThatIsBeingClosedWaitsForItsEnd) {
  const posix::Descriptor mine = Open(O_RDONLY);
  std::future<bool> waited;
  {
    auto theirs = std::make_unique<posix::Descriptor>(Open());
    EXPECT_FALSE(AwaitClosing(mine.get(), path_));
    const auto store = OpenStore::OfFile(theirs->get(), path_);
    theirs.reset();  // the store keeps the file
    OpenStore::AnnounceClosing();
    waited = std::async(std::launch::async, [&] { return AwaitClosing(mine.get(), path_); });
    EXPECT_EQ(waited.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  }
  EXPECT_TRUE(waited.get());
  EXPECT_FALSE(AwaitClosing(mine.get(), path_));
}

}  // namespace
}  // namespace nvdimmfs::backends
