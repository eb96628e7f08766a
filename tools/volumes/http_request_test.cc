// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/http_request.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

using State = RequestReader::State;

// Takes all of `bytes` in pieces of `step`; what was left over.
std::string Feed(RequestReader& reader, absl::string_view bytes, size_t step = 7) {
  std::string ahead;
  for (size_t at = 0; at < bytes.size(); at += step) {
    absl::StrAppend(&ahead, bytes.substr(at, step));
    ahead.erase(0, reader.Take(ahead));
  }
  return ahead;
}

TEST(HttpRequest, IsTheSameHoweverItsBytesCome) {
  const std::string text =
      "POST /VolumeDriver.Create?x=y HTTP/1.1\r\nHost: plugin\r\ncontent-length: 5\r\n\r\nhello";
  for (const size_t step : {1, 2, 3, 7, 1000}) {
    RequestReader reader;
    EXPECT_EQ(Feed(reader, text + "POST", step), "POST");
    ASSERT_EQ(reader.state(), State::kDone) << reader.why();
    EXPECT_EQ(reader.request().method, "POST");
    EXPECT_EQ(reader.request().path, "/VolumeDriver.Create");
    EXPECT_EQ(reader.request().body, "hello");
    EXPECT_TRUE(reader.request().keep_alive);
  }
}

TEST(HttpRequest, HasNoBodyWithoutALength) {
  RequestReader reader;
  EXPECT_EQ(Feed(reader, "\r\nGET /metrics HTTP/1.0\n\nrest"), "rest");
  EXPECT_EQ(reader.state(), State::kDone);
  EXPECT_FALSE(reader.request().keep_alive);
}

TEST(HttpRequest, JoinsChunks) {
  const std::string text =
      "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\nA;name=value\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
  for (const size_t step : {1, 5, 1000}) {
    RequestReader reader;
    EXPECT_EQ(Feed(reader, text, step), "");
    ASSERT_EQ(reader.state(), State::kDone) << reader.why();
    EXPECT_EQ(reader.request().body, "abc0123456789");
    EXPECT_FALSE(reader.request().keep_alive);
  }
}

TEST(HttpRequest, SaysOnceThatItsClientWaitsToSendTheBody) {
  RequestReader reader;
  Feed(reader, "POST /x HTTP/1.1\r\nExpect: 100-continue\r\n");
  EXPECT_FALSE(reader.TakeExpectation());
  Feed(reader, "Content-Length: 1\r\n\r\n");
  EXPECT_TRUE(reader.TakeExpectation());
  EXPECT_FALSE(reader.TakeExpectation());
}

TEST(HttpRequest, IsRefusedWithTheStatusThatSaysWhy) {
  const std::string long_line(RequestReader::kLongestHead + 10, 'x');
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const struct {
    std::string text;
    int status;
  } kCases[] = {
      {"GARBAGE\r\n\r\n", 400},
      {"GET x HTTP/1.1\r\n\r\n", 400},
      {"G\x01T / HTTP/1.1\r\n\r\n", 400},
      {"PRI * HTTP/2.0\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nname : value\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 262145\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
      {long_line, 431},
      {"GET / HTTP/1.1\r\nX: " + long_line, 431},
      {chunked + "x\r\n", 400},
      {chunked + "\r\n", 400},
      {chunked + "-1\r\n", 400},
      {chunked + "1\r\nab\r\n", 400},
      {chunked + std::string(300, '1'), 400},
      {chunked + "fffffffffffffffff\r\n", 413},
      {chunked + "ffffffffffffffff\r\n", 413},
      {chunked + "40001\r\n", 413},
      {chunked + "0\r\n" + long_line, 400},
  };
  for (const auto& one : kCases) {
    RequestReader reader;
    Feed(reader, one.text, 100);
    EXPECT_EQ(reader.state(), State::kRefused) << one.text.substr(0, 100);
    EXPECT_EQ(reader.status(), one.status) << one.text.substr(0, 100) << ": " << reader.why();
  }
}

TEST(HttpRequest, ABodyOfChunksWithoutAnEndIsRefused) {
  RequestReader reader;
  Feed(reader, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  size_t fed = 0;
  while (reader.state() == State::kReading && fed < 2 * RequestReader::kLongestBody) {
    Feed(reader, chunk, 4096);
    fed += chunk.size();
  }
  EXPECT_EQ(reader.status(), 413);
  EXPECT_LE(reader.request().body.size(), RequestReader::kLongestBody);
}

}  // namespace
}  // namespace nvdimmfs::volumes
