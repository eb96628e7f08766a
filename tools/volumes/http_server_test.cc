// SPDX-License-Identifier: Apache-2.0
// The server over a real socket, with clients that engines are not.
#include "tools/volumes/http_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/posix/descriptor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/volumes/plugin_socket.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Its List waits while it is told to.
class SlowDriver : public VolumeDriver {
 public:
  absl::Status Create(const std::string&, const OptionMap&) override { return absl::OkStatus(); }
  absl::Status Remove(const std::string&) override { return absl::OkStatus(); }
  absl::StatusOr<std::string> Mount(const std::string& name, const std::string&) override {
    return "/v/" + name;
  }
  absl::Status Unmount(const std::string&, const std::string&) override { return absl::OkStatus(); }
  absl::StatusOr<std::string> Path(const std::string& name) override { return name; }
  absl::StatusOr<VolumeView> Get(const std::string& name) override {
    return VolumeView{.name = std::string(large, 'x') + name};
  }
  std::vector<VolumeView> List() override {
    ++waiting;
    while (hold) absl::SleepFor(absl::Milliseconds(1));
    return {};
  }
  absl::Status Release(const std::string&) override { return absl::OkStatus(); }
  std::string Metrics() override { return "# EOF\n"; }

  std::atomic<bool> hold = false;
  std::atomic<size_t> waiting = 0;
  size_t large = 0;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char place[] = "/tmp/nv.XXXXXX";
    directory_ = mkdtemp(place);
    auto socket = MakeSocket(directory_ + "/s");
    ASSERT_TRUE(socket.ok()) << socket.status();
    thread_ = std::thread([this, socket = std::make_shared<Descriptor>(*std::move(socket))] {
      server_.Run(std::move(*socket));
    });
  }
  void TearDown() override {
    driver_.hold = false;
    server_.Stop();
    thread_.join();
    unlink((directory_ + "/s").c_str());
    rmdir(directory_.c_str());
  }

  Descriptor Connect() const {
    Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, (directory_ + "/s").c_str());
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return client;
  }
  static void Send(const Descriptor& client, absl::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Until the server has closed the connection.
  static std::string ReadAll(const Descriptor& client) {
    std::string text;
    char room[4096];
    ssize_t got;
    while ((got = recv(client.get(), room, sizeof room, 0)) > 0)
      text.append(room, static_cast<size_t>(got));
    return text;
  }
  static std::string Call(const std::string& verb, const std::string& body,
                          const std::string& more = "Connection: close\r\n") {
    return absl::StrCat("POST /VolumeDriver.", verb, " HTTP/1.1\r\n", more,
                        "Content-Length: ", body.size(), "\r\n\r\n", body);
  }
  std::string Say(const std::string& text) const {
    const Descriptor client = Connect();
    Send(client, text);
    return ReadAll(client);
  }
  void ExpectAlive() const {
    EXPECT_THAT(Say(Call("Mount", "{\"Name\":\"v\"}")), HasSubstr("\"Mountpoint\":\"/v/v\""));
  }

  SlowDriver driver_;
  HttpServer server_{driver_};
  std::string directory_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterAnotherOnAConnection) {
  const Descriptor client = Connect();
  Send(client, Call("Path", "{\"Name\":\"a\"}", "") + Call("Path", "{\"Name\":\"b\"}", "") +
                   "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string all = ReadAll(client);
  const size_t a = all.find("\"Mountpoint\":\"a\""), b = all.find("\"Mountpoint\":\"b\"");
  EXPECT_LT(a, b);
  EXPECT_LT(b, all.find("# EOF"));
  EXPECT_NE(all.find("# EOF"), std::string::npos) << all;
}

TEST_F(HttpServerTest, WhatIsNoCallIsAnsweredAndClosed) {
  EXPECT_THAT(Say("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Say("GET /x HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Say("HEAD /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Say(Call("Nonesuch", "{}")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Say(Call("Create", "{")), StartsWith("HTTP/1.1 400 "));
  ExpectAlive();
}

TEST_F(HttpServerTest, NestedBracketsAreRefused) {
  const std::string deep(200'000, '[');
  EXPECT_THAT(Say(Call("Create", deep)), HasSubstr("json.depth"));
  EXPECT_THAT(Say(Call("Create", "{\"Name\":" + deep)), HasSubstr("json.depth"));
  std::string objects;
  for (int i = 0; i < 40'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(Say(Call("Create", objects)), HasSubstr("json.depth"));
  ExpectAlive();
}

// A client that first sends all it has, and then reads.
TEST_F(HttpServerTest, WhatIsTooLongIsAnsweredThoughItIsNotRead) {
  const std::string large(4 << 20, 'x');
  EXPECT_THAT(Say(large), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Say("GET / HTTP/1.1\r\nX: " + large), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Say(Call("Create", large)), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Say("POST / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  std::string chunks = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 1000; ++i)
    absl::StrAppend(&chunks, "1000\r\n", large.substr(0, 4096), "\r\n");
  EXPECT_THAT(Say(chunks), StartsWith("HTTP/1.1 413 "));
  ExpectAlive();
}

TEST_F(HttpServerTest, AClientThatWaitsToSendItsBodyIsToldToGoOn) {
  const Descriptor client = Connect();
  Send(client,
       "POST /VolumeDriver.Path HTTP/1.1\r\nExpect: 100-continue\r\n"
       "Connection: close\r\nContent-Length: 12\r\n\r\n");
  char room[100] = {};
  ASSERT_GT(recv(client.get(), room, sizeof room - 1, 0), 0);
  EXPECT_THAT(room, StartsWith("HTTP/1.1 100 "));
  Send(client, "{\"Name\":\"a\"}");
  EXPECT_THAT(ReadAll(client), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, ARequestThatDoesNotEndIsRefusedInTime) {
  const Descriptor client = Connect();
  Send(client, "POST /VolumeDriver.List HTTP/1.1\r\nContent-Length: 10\r\n\r\n123");
  EXPECT_THAT(ReadAll(client), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, MoreConnectionsThanItKeepsCostTheIdleOnesTheirs) {
  std::vector<Descriptor> idle, slow;
  for (size_t i = 0; i < HttpServer::kMostConnections; ++i) idle.push_back(Connect());
  for (size_t i = 0; i < HttpServer::kMostConnections; ++i) {
    slow.push_back(Connect());
    Send(slow.back(), "POST /VolumeDriver.List HTTP/1.1\r\nContent-Le");
  }
  ExpectAlive();
  EXPECT_THAT(ReadAll(idle.front()), StartsWith("HTTP/1.1 503 "));
  for (int i = 0; i < 2000; ++i) Connect();
  ExpectAlive();
}

TEST_F(HttpServerTest, MoreCallsThanItRunsWaitForTheirTurn) {
  driver_.hold = true;
  std::vector<Descriptor> clients;
  for (size_t i = 0; i < HttpServer::kMostCalls + 20; ++i) {
    clients.push_back(Connect());
    Send(clients.back(), Call("List", "{}"));
  }
  while (driver_.waiting < HttpServer::kMostCalls) absl::SleepFor(absl::Milliseconds(1));
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_EQ(driver_.waiting, HttpServer::kMostCalls);
  driver_.hold = false;
  size_t done = 0;
  for (const Descriptor& client : clients)
    done += absl::StartsWith(ReadAll(client), "HTTP/1.1 200 ") ? 1 : 0;
  EXPECT_GE(done, HttpServer::kMostCalls);  // on a machine that sleeps for long the others are late
}

TEST_F(HttpServerTest, AClientThatIsGoneOrDoesNotReadHoldsUpNobody) {
  driver_.large = 100 << 10;
  for (int i = 0; i < 300; ++i) {
    const Descriptor client = Connect();
    for (int j = 0; j < 20; ++j) Send(client, Call("Get", "{\"Name\":\"v\"}", ""));
    if (i % 2 == 0) shutdown(client.get(), SHUT_RD);
  }
  std::vector<Descriptor> deaf;
  for (int i = 0; i < 50; ++i) {
    deaf.push_back(Connect());
    for (int j = 0; j < 20; ++j) Send(deaf.back(), Call("Get", "{\"Name\":\"v\"}", ""));
  }
  ExpectAlive();
}

}  // namespace
}  // namespace nvdimmfs::volumes
