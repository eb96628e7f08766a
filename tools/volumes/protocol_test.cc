// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/protocol.h"

#include <cerrno>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Remembers the last call, and answers what it is told.
class FakeDriver : public VolumeDriver {
 public:
  absl::Status Create(const std::string& name, const OptionMap& options) override {
    last = "create " + name;
    for (const auto& [key, value] : options) last += " " + key + "=" + value;
    return answer;
  }
  absl::Status Remove(const std::string& name) override {
    last = "remove " + name;
    return answer;
  }
  absl::StatusOr<std::string> Mount(const std::string& name, const std::string& id) override {
    last = "mount " + name + " " + id;
    if (!answer.ok()) return answer;
    return "/v/" + name;
  }
  absl::Status Unmount(const std::string& name, const std::string& id) override {
    last = "unmount " + name + " " + id;
    return answer;
  }
  absl::StatusOr<std::string> Path(const std::string& name) override { return "/p/" + name; }
  absl::StatusOr<VolumeView> Get(const std::string& name) override {
    if (!answer.ok()) return answer;
    return VolumeView{.name = name, .created = 1700000000, .status = {{"state", "ready"}}};
  }
  std::vector<VolumeView> List() override {
    return {{.name = "a", .mountpoint = "/v/a"}, {.name = "b\xff"}};
  }
  absl::Status Release(const std::string& name) override {
    last = "release " + name;
    return answer;
  }
  std::string Metrics() override { return ""; }

  std::string last;
  absl::Status answer;
};

class ProtocolTest : public ::testing::Test {
 protected:
  std::string Say(const std::string& call, const std::string& body, int status = 200) {
    const Reply reply = Answer(driver_, call, body);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.body.back(), '\n');
    return reply.body.substr(0, reply.body.size() - 1);
  }
  FakeDriver driver_;
};

TEST_F(ProtocolTest, EveryCallHasItsAnswer) {
  EXPECT_EQ(Say("/Plugin.Activate", ""), R"({"Implements":["VolumeDriver"],"Err":""})");
  EXPECT_EQ(Say("/VolumeDriver.Capabilities", "{}"),
            R"({"Capabilities":{"Scope":"local"},"Err":""})");
  EXPECT_EQ(Say("/VolumeDriver.Create", R"({"Name":"v","Opts":{"size":"1M","mode":"raw"}})"),
            R"({"Err":""})");
  EXPECT_EQ(driver_.last, "create v mode=raw size=1M");
  EXPECT_EQ(Say("/VolumeDriver.Mount", R"({"Name":"v","ID":"i"})"),
            R"({"Mountpoint":"/v/v","Err":""})");
  EXPECT_EQ(driver_.last, "mount v i");
  EXPECT_EQ(Say("/VolumeDriver.Unmount", R"({"Name":"v","ID":"i"})"), R"({"Err":""})");
  EXPECT_EQ(driver_.last, "unmount v i");
  EXPECT_EQ(Say("/VolumeDriver.Remove", R"({"Name":"v"})"), R"({"Err":""})");
  EXPECT_EQ(driver_.last, "remove v");
  EXPECT_EQ(Say("/VolumeDriver.Path", R"({"Name":"v"})"), R"({"Mountpoint":"/p/v","Err":""})");
  EXPECT_EQ(Say("/VolumeDriver.Get", R"({"Name":"v"})"),
            R"({"Volume":{"Name":"v","Mountpoint":"","CreatedAt":"2023-11-14T22:13:20Z",)"
            R"("Status":{"state":"ready"}},"Err":""})");
  EXPECT_EQ(Say("/VolumeDriver.List", ""),
            "{\"Volumes\":[{\"Name\":\"a\",\"Mountpoint\":\"/v/a\"},"
            "{\"Name\":\"b\xEF\xBF\xBD\",\"Mountpoint\":\"\"}],\"Err\":\"\"}");
}

TEST_F(ProtocolTest, BodiesMayBeMissingOrSloppy) {
  for (const char* body : {"", " \n", "null", "{}", R"({"Name":null})",
                           R"({"Name":"","Opts":null})", R"({"Opts":{}, "More":[1]})"}) {
    Say("/VolumeDriver.Create", body);
    EXPECT_EQ(driver_.last, "create ") << body;
  }
  Say("/VolumeDriver.Create", R"({"Name":"v","Opts":{"size":65536,"ro":true,"erase":null}})");
  EXPECT_EQ(driver_.last, "create v erase= ro=true size=65536");
}

TEST_F(ProtocolTest, WhatIsNoJsonIsRefused) {
  for (const char* body : {"{", "[]", "\"Name\"", "name=v", "{\"Opts\":[]}", "\xff", "7"}) {
    EXPECT_THAT(Say("/VolumeDriver.Create", body, 400),
                AllOf(HasSubstr("[EINVAL, "), HasSubstr("json")));
  }
  EXPECT_EQ(driver_.last, "");
  EXPECT_THAT(Say("/VolumeDriver.Create", std::string(100000, '['), 400), HasSubstr("EINVAL"));
}

TEST_F(ProtocolTest, ARefusalIsASentence) {
  driver_.answer = core::Refusal(ENOSPC, "volume.room", "no \"room\"");
  const std::string said = R"({"Err":"no \"room\" [ENOSPC, volume.room]"})";
  for (const char* verb : {"Create", "Remove", "Mount", "Unmount", "Get"})
    EXPECT_EQ(Say(std::string("/VolumeDriver.") + verb, R"({"Name":"v"})", 500), said);
}

TEST_F(ProtocolTest, UnknownCallsAreToldWhatThereIs) {
  EXPECT_THAT(Say("/VolumeDriver.Grow", "", 404), HasSubstr("/VolumeDriver.Create"));
  EXPECT_THAT(Say("/", "", 404), HasSubstr("ENOSYS"));
}

}  // namespace
}  // namespace nvdimmfs::volumes
