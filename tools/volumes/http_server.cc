// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/http_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/posix/descriptor.h"
#include "core/base/log.h"
#include "tools/volumes/threads.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;
using posix::Descriptor;

constexpr char kMetricsPath[] = "/metrics";
constexpr absl::Duration kTick = absl::Seconds(1);
constexpr absl::Duration kPause = absl::Milliseconds(100);

}  // namespace

HttpServer::HttpServer(VolumeDriver& driver)
    : driver_(driver), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void HttpServer::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    is_stopping_ = true;
  }
  eventfd_write(wake_.get(), 1);
}

bool HttpServer::is_stopping() const {
  absl::MutexLock lock(&mutex_);
  return is_stopping_;
}

void HttpServer::Run(Descriptor socket) {
  socket_ = std::move(socket);
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  while (true) {
    Wait();
    const absl::Time now = absl::Now();
    TakeReplies(now);
    StartCalls(now);
    const bool ends = is_stopping();
    for (auto at = connections_.begin(); at != connections_.end();) {
      HttpConnection& connection = at->second;
      connection.OnTime(now);
      if (connection.timed_out())
        Refuse(connection, 408,
               absl::StrCat("the request was not complete within ",
                            absl::FormatDuration(HttpConnection::kPatience)));
      const bool is_over = connection.state() == HttpConnection::State::kClosed ||
                           (ends && connection.events() == POLLIN);
      at = is_over ? connections_.erase(at) : std::next(at);
    }
    if (ends && connections_.empty()) break;
  }
  socket_.Close();
  // Threads whose client is gone still use the driver and this object.
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](size_t* calls) { return *calls == 0; }, &calls_));
}

// Waits for work, and reads and writes the sockets that are ready.
void HttpServer::Wait() {
  std::vector<pollfd> polled;
  std::vector<Id> ids;
  absl::Time now = absl::Now();
  const bool accepts = !is_stopping() && now >= accept_from_;
  polled.push_back({wake_.get(), POLLIN, 0});
  polled.push_back({accepts ? socket_.get() : -1, POLLIN, 0});
  // A connection whose call is under way is not polled: it would stay ready once its client is
  // gone.
  for (auto& [id, connection] : connections_)
    if (const short events = connection.events(); events != 0) {
      polled.push_back({connection.descriptor(), events, 0});
      ids.push_back(id);
    }
  const bool is_idle = connections_.empty() && accepts;
  const absl::Duration most = is_idle ? absl::InfiniteDuration() : accepts ? kTick : kPause;
  const int64_t milliseconds = is_idle ? -1 : absl::ToInt64Milliseconds(most);
  if (poll(polled.data(), polled.size(), static_cast<int>(milliseconds)) <= 0) return;
  eventfd_t count;
  if (polled[0].revents != 0) eventfd_read(wake_.get(), &count);
  now = absl::Now();
  for (size_t i = 0; i < ids.size(); ++i)
    if (polled[i + 2].revents != 0) {
      HttpConnection& connection = connections_.at(ids[i]);
      connection.OnReady(now);
      Settle(ids[i], connection, now);
    }
  if (polled[1].revents != 0) Accept();
}

// Queues a complete request of the connection; refuses a malformed one.
void HttpServer::Settle(Id id, HttpConnection& connection, absl::Time now) {
  if (connection.TakeRequest()) turn_.push_back({id, now + kTurn});
  if (connection.state() == HttpConnection::State::kReading &&
      connection.reader().state() == RequestReader::State::kRefused)
    Refuse(connection, connection.reader().status(), connection.reader().why());
}

void HttpServer::Refuse(HttpConnection& connection, int status, absl::string_view why) {
  Log(LogLevel::kWarning, "volumes.http.request", absl::StrCat("refused a request: ", why));
  connection.Answer(status, kProtocolType, NotServed(status, why), /*is_last=*/true, absl::Now());
}

void HttpServer::Accept() {
  while (true) {
    Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      Log(LogLevel::kError, "volumes.http",
          absl::StrCat("accept a connection: ", strerror(errno), "; trying again"));
      MakeRoom();
      accept_from_ = absl::Now() + kPause;
      return;
    }
    if (connections_.size() >= kMostConnections) MakeRoom();
    if (connections_.size() >= kMostConnections) {
      HttpConnection(std::move(client), absl::Now())
          .Evict(kProtocolType,
                 NotServed(503, absl::StrCat(kMostConnections,
                                             " clients are waiting for answers; try again")));
      continue;
    }
    connections_.try_emplace(next_id_++, std::move(client), absl::Now());
  }
}

// Closes a connection that waits for no answer: preferably one without a request, and of those the
// one that was idle longest.
void HttpServer::MakeRoom() {
  auto worst = connections_.end();
  for (auto at = connections_.begin(); at != connections_.end(); ++at) {
    if (at->second.state() != HttpConnection::State::kReading) continue;
    if (worst == connections_.end() ||
        std::make_pair(!at->second.is_idle(), at->second.deadline()) <
            std::make_pair(!worst->second.is_idle(), worst->second.deadline()))
      worst = at;
  }
  if (worst == connections_.end()) return;
  const std::string why = absl::StrCat("more than ", kMostConnections,
                                       " connections are open; the one that did nothing for the "
                                       "longest is closed");
  Log(LogLevel::kWarning, "volumes.http.full", why);
  worst->second.Evict(kProtocolType, NotServed(503, why));
  connections_.erase(worst);
}

void HttpServer::StartCalls(absl::Time now) {
  while (!turn_.empty()) {
    const Waiting next = turn_.front();
    const auto at = connections_.find(next.id);
    if (at == connections_.end()) {
      turn_.pop_front();
      continue;
    }
    HttpConnection& connection = at->second;
    if (StartCall(next.id, connection.reader().request())) {
      turn_.pop_front();
      continue;
    }
    if (now < next.until) return;
    turn_.pop_front();
    Refuse(connection, 503, absl::StrCat(kMostCalls, " calls are under way; try again"));
  }
}

// False: not now.
bool HttpServer::StartCall(Id id, const HttpRequest& request) {
  {
    absl::MutexLock lock(&mutex_);
    if (calls_ >= kMostCalls) return false;
    ++calls_;
  }
  const bool is_started = StartThread([this, id, request] {
    Reply reply = ReplyTo(request);
    absl::MutexLock lock(&mutex_);
    replies_.emplace_back(id, std::move(reply));
    // Still locked: after that Run may be over, and this is gone.
    eventfd_write(wake_.get(), 1);
    --calls_;
  });
  if (is_started) return true;
  absl::MutexLock lock(&mutex_);
  --calls_;
  return false;
}

void HttpServer::TakeReplies(absl::Time now) {
  std::vector<std::pair<Id, Reply>> replies;
  {
    absl::MutexLock lock(&mutex_);
    replies.swap(replies_);
  }
  for (const auto& [id, reply] : replies) {
    const auto at = connections_.find(id);
    if (at == connections_.end()) continue;
    at->second.Answer(reply.status, reply.type, reply.body, /*is_last=*/reply.status == 405, now);
    Settle(id, at->second, now);
  }
}

Reply HttpServer::ReplyTo(const HttpRequest& request) {
  if (request.method == "GET" && request.path == kMetricsPath)
    return {200, driver_.Metrics(), "application/openmetrics-text; version=1.0.0; charset=utf-8"};
  if (request.method == "POST") return volumes::Answer(driver_, request.path, request.body);
  return {405, NotServed(405, "calls are POST requests; only /metrics is for GET")};
}

}  // namespace nvdimmfs::volumes
