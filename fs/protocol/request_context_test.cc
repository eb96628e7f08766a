// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/request_context.h"

#include <linux/fuse.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

// Sends to a pipe what has a number, and takes nothing else.
class Port final : public ReplyPort {
 public:
  explicit Port(int device) : device_(device) {}
  std::optional<ssize_t> Send(const struct iovec* parts, int count) override {
    if (static_cast<const fuse_out_header*>(parts[0].iov_base)->unique == 0) return std::nullopt;
    return writev(device_, parts, count);
  }
  absl::Span<std::byte> Room() const override { return absl::MakeSpan(room_); }

 private:
  const int device_;
  mutable std::byte room_[8] = {};
};

class RequestContextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(pipe(own_), 0);
    ASSERT_EQ(pipe(mount_), 0);
  }
  void TearDown() override {
    for (const int end : {own_[0], own_[1], mount_[0], mount_[1]}) close(end);
  }
  ssize_t Send(uint64_t unique, void* bytes, size_t size) {
    fuse_out_header header = {
        .len = static_cast<uint32_t>(sizeof header + size), .error = 0, .unique = unique};
    struct iovec parts[] = {{&header, sizeof header}, {bytes, size}};
    return RequestContext::Send(mount_[1], parts, 2);
  }
  static std::string Take(int pipe) {
    char bytes[64];
    const ssize_t n = read(pipe, bytes, sizeof bytes);
    return std::string(bytes, n < 0 ? 0 : static_cast<size_t>(n));
  }
  static std::string Payload(const std::string& message) {
    return message.substr(sizeof(fuse_out_header));
  }

  int own_[2], mount_[2];
  char text_[6] = "bytes";
};

TEST_F(RequestContextTest, ARepliesGoesThroughThePort) {
  Port port(own_[1]);
  const RequestContext context(port);
  EXPECT_EQ(RequestContext::Current(), &context);
  EXPECT_EQ(context.room().size(), 8u);
  EXPECT_EQ(Send(1, text_, 5), static_cast<ssize_t>(sizeof(fuse_out_header) + 5));
  EXPECT_EQ(Payload(Take(own_[0])), "bytes");
  EXPECT_FALSE(context.reply_lost());
}

TEST_F(RequestContextTest, WhatThePortDoesNotTakeGoesToTheMount) {
  Port port(own_[1]);
  const RequestContext context(port);
  EXPECT_GT(Send(0, text_, 5), 0);
  EXPECT_EQ(Payload(Take(mount_[0])), "bytes");
}

TEST_F(RequestContextTest, OtherThreadsHaveNone) {
  Port port(own_[1]);
  const RequestContext context(port);
  std::thread([&] {
    EXPECT_EQ(RequestContext::Current(), nullptr);
    EXPECT_GT(Send(1, text_, 5), 0);
  }).join();
  EXPECT_EQ(Payload(Take(mount_[0])), "bytes");
}

TEST_F(RequestContextTest, ThereIsNoneAfterwards) {
  Port port(own_[1]);
  { const RequestContext context(port); }
  EXPECT_EQ(RequestContext::Current(), nullptr);
}

TEST_F(RequestContextTest, BytesThatAreGoneBecomeAnError) {
  void* const gone = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(gone, MAP_FAILED);
  Port port(own_[1]);
  const RequestContext context(port);
  EXPECT_EQ(Send(7, gone, 16), 0);
  EXPECT_TRUE(context.reply_lost());
  const std::string reply = Take(own_[0]);
  ASSERT_EQ(reply.size(), sizeof(fuse_out_header));
  const auto* header = reinterpret_cast<const fuse_out_header*>(reply.data());
  EXPECT_EQ(header->error, -EIO);
  EXPECT_EQ(header->unique, 7u);
  EXPECT_EQ(header->len, sizeof(fuse_out_header));
  munmap(gone, 4096);
}

TEST_F(RequestContextTest, AnEditChangesTheReply) {
  Port port(own_[1]);
  const auto edit = [](struct iovec* parts, int count) {
    if (count == 2) *static_cast<char*>(parts[1].iov_base) = 'B';
  };
  const RequestContext::Edit reference = edit;
  const RequestContext context(port, reference);
  EXPECT_GT(Send(1, text_, 5), 0);
  EXPECT_EQ(Payload(Take(own_[0])), "Bytes");
}

}  // namespace
}  // namespace nvdimmfs::fs
