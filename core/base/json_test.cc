// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.h"

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

TEST(Json, WritesEachType) {
  EXPECT_EQ("null", Json().Line());
  EXPECT_EQ("null", Json(nullptr).Line());
  EXPECT_EQ("true", Json(true).Line());
  EXPECT_EQ("0", Json(0).Line());
  EXPECT_EQ("7", Json(uint8_t{7}).Line());
  EXPECT_EQ("-9223372036854775808", Json(std::numeric_limits<int64_t>::min()).Line());
  EXPECT_EQ("18446744073709551615", Json(std::numeric_limits<uint64_t>::max()).Line());
  EXPECT_EQ("[25.0,-0.0625]", Json::ArrayOf(std::vector<double>{25, -1 / 16.0}).Line());
  EXPECT_EQ("\"a\"", Json("a").Line());
  EXPECT_EQ("[]", Json::EmptyArray().Line());
  EXPECT_EQ("{}", Json::EmptyObject().Indented());
}

TEST(Json, EscapesWhatAStringCannotHold) {
  EXPECT_EQ(R"("\"\\/\b\f\n\r\t\u0001\u001fgröße")", Json("\"\\/\b\f\n\r\t\x01\x1fgröße").Line());
  EXPECT_EQ("\"\\u0000a\"", Json(std::string("\0a", 2)).Line());
  EXPECT_EQ("\"\xef\xbf\xbd!\"", Json("\xff!").Line());
}

TEST(Json, IndentsEachLevel) {
  const Json json = {{"a", Json::ArrayOf(std::vector<int>{1, 2})}, {"b", {{"c", nullptr}}}};
  EXPECT_EQ(R"({"a":[1,2],"b":{"c":null}})", json.Line());
  EXPECT_EQ(R"({
  "a": [
    1,
    2
  ],
  "b": {
    "c": null
  }
})",
            json.Indented());
}

TEST(Json, MembersKeepTheirOrderAndAreFound) {
  Json json;
  json["z"] = 1;
  json["a"].push_back("x");
  json["z"] = 2;
  EXPECT_EQ(R"({"z":2,"a":["x"]})", json.Line());
  EXPECT_EQ(2u, json.size());
  EXPECT_EQ(2u, json.Find("z")->natural());
  EXPECT_EQ(nullptr, json.Find("b"));
  EXPECT_EQ(nullptr, Json(1).Find("b"));
  EXPECT_EQ(R"({"k":"v"})", Json::ObjectOf(std::map<std::string, std::string>{{"k", "v"}}).Line());
}

TEST(Json, IsOnlyOfItsOwnType) {
  EXPECT_EQ(nullptr, Json(1).text());
  EXPECT_EQ("1", *Json("1").text());
  EXPECT_FALSE(Json(1).boolean());
  EXPECT_EQ(true, Json(true).boolean());
  EXPECT_FALSE(Json(-1).natural());
  EXPECT_FALSE(Json(1.0).natural());
  EXPECT_FALSE(Json(1.0).integer());
  EXPECT_EQ(-1, Json(-1).integer());
  EXPECT_EQ(1, Json(1u).integer());
  EXPECT_FALSE(Json(std::numeric_limits<uint64_t>::max()).integer());
  EXPECT_TRUE(Json("a").array().empty());
  EXPECT_TRUE(Json("a").object().empty());
}

TEST(Json, IsAssignedFromItsOwnElement) {
  Json json = Json::ArrayOf(std::vector<std::string>{"long enough to be on the heap", "b"});
  json = json.array()[0];
  EXPECT_EQ("\"long enough to be on the heap\"", json.Line());
}

TEST(Json, InitialisersAreMovedFrom) {
  Json array = Json::ArrayOf(std::vector<int>{1});
  const Json* const element = array.array().data();
  const Json object = {{"a", std::move(array)}};
  EXPECT_EQ(element, object.Find("a")->array().data());
}

}  // namespace
}  // namespace nvdimmfs::core
