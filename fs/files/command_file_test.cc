// SPDX-License-Identifier: Apache-2.0
#include "fs/files/command_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/status.h"
#include "fs/files/command_wire.h"
#include "fs/testing/fake_model.h"

namespace nvdimmfs::fs {
namespace {

// Adds one to every byte; 7 is refused.
absl::StatusOr<int> Increment(core::Device&, const core::Command& command) {
  if (command.nr == 7) return core::Refusal(EBUSY, "test.busy", "busy");
  for (std::byte& byte : command.buffer) byte = std::byte(std::to_integer<int>(byte) + 1);
  return static_cast<int>(command.nr);
}

constexpr core::Attribute kAttribute = {.name = "x/ioctl", .mode = 0600, .command = Increment};

class CommandFileTest : public testing::Test {
 protected:
  static uint64_t Offset(uint64_t caller, uint64_t place = 0) {
    return caller << NVDIMMFS_COMMAND_SHIFT | place;
  }
  static std::string Request(uint32_t nr, const std::string& payload) {
    const nvdimmfs_command_request header = {.magic = NVDIMMFS_COMMAND_MAGIC,
                                             .nr = nr,
                                             .may_write = 1,
                                             .length = static_cast<uint32_t>(payload.size())};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + payload;
  }
  int Write(uint64_t offset, const std::string& text) {
    const auto written =
        file->Write(offset, {reinterpret_cast<const std::byte*>(text.data()), text.size()});
    return written.ok() ? static_cast<int>(*written) : -core::ErrnoOf(written.status());
  }
  // The reply's payload; its result, or what reading met, is in `result`.
  std::string Read(uint64_t caller) {
    std::string reply;
    const absl::Status status =
        file->Read(Offset(caller), 4096, {}, [&](absl::Span<const std::byte> bytes) {
          reply.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        });
    nvdimmfs_command_reply header = {};
    result = -core::ErrnoOf(status);
    if (!status.ok() || reply.size() < sizeof header) return "";
    std::memcpy(&header, reply.data(), sizeof header);
    result = header.result;
    return reply.substr(sizeof header);
  }

  std::shared_ptr<FakeDevice> device =
      std::make_shared<FakeDevice>("nmem0", std::vector<core::Attribute>{kAttribute});
  FakeModel model;
  std::unique_ptr<OpenFile> file = CommandFile::Make(
      NodeView{.kind = NodeKind::kAttribute, .device = device, .attribute = &kAttribute}, model);
  int result = 0;
};

TEST_F(CommandFileTest, ARequestIsAnswered) {
  const std::string request = Request(5, "abc");
  EXPECT_EQ(Write(Offset(1), request), static_cast<int>(request.size()));
  EXPECT_EQ(Read(1), "bcd");
  EXPECT_EQ(result, 5);
}

TEST_F(CommandFileTest, ARefusalIsAnErrno) {
  Write(Offset(1), Request(7, "abc"));
  EXPECT_EQ(Read(1), "abc");
  EXPECT_EQ(result, -EBUSY);
}

TEST_F(CommandFileTest, ARequestMayComeInPieces) {
  const std::string request = Request(5, "abc");
  Write(Offset(1), request.substr(0, 17));
  EXPECT_EQ(Read(1), "");
  EXPECT_EQ(result, -EINVAL);
  Write(Offset(1, 17), request.substr(17));
  EXPECT_EQ(Read(1), "bcd");
}

TEST_F(CommandFileTest, CallersDoNotMeet) {
  Write(Offset(1), Request(5, "abc"));
  Write(Offset(2), Request(5, "xyx"));
  EXPECT_EQ(Read(1), "bcd");
  EXPECT_EQ(Read(2), "yzy");
}

TEST_F(CommandFileTest, AReplyIsReadOnce) {
  Write(Offset(1), Request(5, "abc"));
  Read(1);
  Read(1);
  EXPECT_EQ(result, -EINVAL);
}

TEST_F(CommandFileTest, WhatIsNoRequestIsRefused) {
  EXPECT_EQ(Write(Offset(0), "1\n"), -EINVAL);
  EXPECT_EQ(Write(Offset(0), std::string(64, 'x')), -EINVAL);
  EXPECT_EQ(Write(Offset(0), Request(5, "abc") + "more"), -EINVAL);
  EXPECT_EQ(Write(Offset(0, 3), Request(5, "abc")), -EINVAL);
}

TEST_F(CommandFileTest, TooManyCallersAreTurnedAway) {
  const std::string request = Request(5, "abc");
  int caller = 1;
  while (caller < 1000 && Write(Offset(caller), request) > 0) ++caller;
  EXPECT_LT(caller, 1000);
  EXPECT_EQ(Write(Offset(caller), request), -EAGAIN);
  Read(1);
  EXPECT_GT(Write(Offset(caller), request), 0);
}

}  // namespace
}  // namespace nvdimmfs::fs
