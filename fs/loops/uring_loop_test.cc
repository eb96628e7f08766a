// SPDX-License-Identifier: Apache-2.0
// What of FUSE over io_uring can be seen without a kernel that offers it; tests/fs_mount has the
// rest.
#include "fs/loops/uring_loop.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "fs/loops/placement.h"
#include "fs/loops/uring_entry.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

constexpr size_t kPayload = 8192;

class UringEntryTest : public ::testing::Test {
 protected:
  // As the kernel does: the header, the request's own structure, and the rest.
  void Ask(const std::string& own, const std::string& rest) {
    const fuse_in_header in = {
        .len = static_cast<uint32_t>(sizeof in + own.size() + rest.size()),
        .opcode = FUSE_WRITE,
        .unique = 42,
        .pid = 7,
    };
    AskAs(in, own, rest);
  }
  void AskAs(const fuse_in_header& in, const std::string& own, const std::string& rest) {
    UringHeader& header = entry_->header();
    std::memcpy(header.in_out, &in, sizeof in);
    std::memcpy(header.op_in, own.data(), std::min(own.size(), sizeof header.op_in));
    std::memcpy(entry_->parts()[1].iov_base, rest.data(), std::min(rest.size(), kPayload));
    header.entry = {.commit_id = 4242, .payload_size = static_cast<uint32_t>(rest.size())};
  }
  ssize_t Answer(std::string head, std::string more) {
    fuse_out_header out = {
        .len = static_cast<uint32_t>(sizeof out + head.size() + more.size()),
        .error = 0,
        .unique = 42,
    };
    const struct iovec parts[] = {
        {&out, sizeof out}, {head.data(), head.size()}, {more.data(), more.size()}};
    return entry_->Answer(parts, 3);
  }
  fuse_out_header Answered() {
    fuse_out_header out;
    std::memcpy(&out, entry_->header().in_out, sizeof out);
    return out;
  }
  std::string AnsweredPayload() {
    return std::string(static_cast<const char*>(entry_->parts()[1].iov_base),
                       entry_->header().entry.payload_size);
  }

  std::unique_ptr<UringEntry> entry_ = UringEntry::Create(3, kPayload, 4096);
};

TEST_F(UringEntryTest, GivesTheKernelAHeaderAndAPayload) {
  EXPECT_EQ(entry_->queue(), 3);
  EXPECT_EQ(entry_->parts()[0].iov_base, &entry_->header());
  EXPECT_EQ(entry_->parts()[0].iov_len, 288u);
  EXPECT_EQ(entry_->parts()[1].iov_len, kPayload);
  EXPECT_EQ(entry_->Room().size(), kPayload + 4096);
}

TEST_F(UringEntryTest, ARequestIsInOnePieceAsReadGivesIt) {
  for (const std::string& rest : {std::string(), std::string("abc"), std::string(kPayload, 'x')}) {
    Ask("own structure", rest);
    const absl::Span<std::byte> request = entry_->Request();
    ASSERT_EQ(request.size(), sizeof(fuse_in_header) + 13 + rest.size());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(request.data()) + sizeof(fuse_in_header),
                          request.size() - sizeof(fuse_in_header)),
              "own structure" + rest);
    fuse_in_header in;
    std::memcpy(&in, request.data(), sizeof in);
    EXPECT_EQ(in.opcode, static_cast<uint32_t>(FUSE_WRITE));
    EXPECT_EQ(entry_->unique(), 42u);
    EXPECT_EQ(entry_->commit_id(), 4242u);
    EXPECT_FALSE(entry_->answered());
  }
}

TEST_F(UringEntryTest, LengthsThatContradictEachOtherAreNoRequest) {
  const auto refused = [&](uint32_t length, size_t own, uint32_t rest) {
    const fuse_in_header in = {.len = length, .opcode = FUSE_WRITE, .unique = 42};
    AskAs(in, std::string(own, 'o'), "");
    entry_->header().entry.payload_size = rest;
    return entry_->Request().empty();
  };
  constexpr auto kHeader = static_cast<uint32_t>(sizeof(fuse_in_header));
  EXPECT_FALSE(refused(kHeader, 0, 0));
  EXPECT_TRUE(refused(0, 0, 0));
  EXPECT_TRUE(refused(kHeader - 1, 0, 0));
  EXPECT_TRUE(refused(kHeader + 99, 0, 100)) << "more payload than request";
  EXPECT_FALSE(refused(kHeader + 128 + 100, 128, 100));
  EXPECT_TRUE(refused(kHeader + 129 + 100, 128, 100)) << "more than the place has";
  EXPECT_TRUE(refused(UINT32_MAX, 128, 100));
  EXPECT_TRUE(refused(kHeader + kPayload + 1, 0, kPayload + 1)) << "more than the memory";
  EXPECT_TRUE(refused(kHeader + 8, 0, UINT32_MAX));
}

TEST_F(UringEntryTest, AnAnswerIsPutWhereTheKernelLooks) {
  Ask("own", "rest");
  entry_->Request();
  EXPECT_EQ(Answer("head", "more"), static_cast<ssize_t>(sizeof(fuse_out_header) + 8));
  EXPECT_TRUE(entry_->answered());
  EXPECT_EQ(Answered().unique, 42u);
  EXPECT_EQ(Answered().error, 0);
  EXPECT_EQ(AnsweredPayload(), "headmore");
  Ask("own", "rest");
  entry_->Request();
  EXPECT_FALSE(entry_->answered());
}

TEST_F(UringEntryTest, WhatIsInTheRoomAlreadyIsNotCopied) {
  Ask("own", "");
  entry_->Request();
  std::memcpy(entry_->Room().data(), "..bytes", 7);
  fuse_out_header out = {.len = sizeof out + 5, .unique = 42};
  const struct iovec here[] = {{&out, sizeof out}, {entry_->Room().data() + 2, 5}};
  EXPECT_GT(entry_->Answer(here, 2), 0);
  EXPECT_EQ(AnsweredPayload(), "bytes") << "moved to the start";
  const struct iovec there[] = {{&out, sizeof out}, {entry_->Room().data(), 5}};
  EXPECT_GT(entry_->Answer(there, 2), 0);
  EXPECT_EQ(AnsweredPayload(), "bytes");
}

TEST_F(UringEntryTest, AnAnswerThatIsTooLongBecomesAnError) {
  Ask("own", "");
  entry_->Request();
  EXPECT_GT(Answer(std::string(kPayload, 'a'), ""), 0);
  EXPECT_EQ(Answer(std::string(kPayload, 'a'), "b"), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(Answered().error, -EIO);
  EXPECT_EQ(Answered().unique, 42u);
  EXPECT_EQ(AnsweredPayload(), "");
}

TEST_F(UringEntryTest, SendsOnlyTheReplyToItsOwnRequest) {
  Ask("own", "");
  entry_->Request();
  fuse_out_header out = {.len = sizeof out, .error = 0, .unique = 0};  // a notification
  const struct iovec parts[] = {{&out, sizeof out}};
  EXPECT_EQ(entry_->Send(parts, 1), std::nullopt);
  out.unique = 43;
  EXPECT_EQ(entry_->Send(parts, 1), std::nullopt);
  const struct iovec cut = {&out, sizeof out - 1};
  EXPECT_EQ(entry_->Send(&cut, 1), std::nullopt);
  EXPECT_EQ(entry_->Send(parts, 0), std::nullopt);
  EXPECT_FALSE(entry_->answered());
  out.unique = 42;
  EXPECT_EQ(entry_->Send(parts, 1), static_cast<ssize_t>(sizeof out));
  EXPECT_TRUE(entry_->answered());
}

// A load that takes so many nanoseconds a request at home and elsewhere, `requests` of them;
// returns how many were answered elsewhere.
int RequestsElsewhere(Placement& placement, int64_t& now, int64_t home, int64_t elsewhere,
                      int requests, int together = 1) {
  int there = 0;
  for (int i = 0; i < requests; i += together) {
    const bool is_there = placement.elsewhere();
    now += together * (is_there ? elsewhere : home);
    there += is_there ? together : 0;
    placement.Answered(together, now);
  }
  return there;
}

TEST(PlacementTest, FindsTheBetterPlaceAndStaysThere) {
  for (const int together : {1, 16, 100}) {
    Placement placement;
    int64_t now = 1'000'000'000;
    // One that waits for each answer.
    EXPECT_LT(RequestsElsewhere(placement, now, 10'000, 20'000, 100'000, together), 3'000);
    EXPECT_FALSE(placement.elsewhere());
    // One that goes on to ask.
    EXPECT_GT(RequestsElsewhere(placement, now, 6'000, 3'000, 200'000, together), 100'000);
    EXPECT_TRUE(placement.elsewhere());
    EXPECT_GT(RequestsElsewhere(placement, now, 6'000, 3'000, 100'000, together), 97'000);
    // The first again.
    RequestsElsewhere(placement, now, 10'000, 20'000, 20'000, together);
    EXPECT_LT(RequestsElsewhere(placement, now, 10'000, 20'000, 100'000, together), 3'000);
  }
}

TEST(PlacementTest, StaysAtHomeWhereItMakesNoDifference) {
  Placement placement;
  int64_t now = 1'000'000'000;
  EXPECT_LT(RequestsElsewhere(placement, now, 10'000, 9'500, 100'000), 3'000);
}

TEST(PlacementTest, TriesNothingWhereLittleIsAsked) {
  Placement placement;
  int64_t now = 1'000'000'000;
  EXPECT_EQ(RequestsElsewhere(placement, now, 2 * Placement::kBusy, 1, 100'000), 0);
}

}  // namespace
}  // namespace nvdimmfs::fs
