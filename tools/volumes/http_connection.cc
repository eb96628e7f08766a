// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/http_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

constexpr size_t kReadSize = 16 << 10;

struct StatusText {
  int status;
  const char* text;
};
constexpr StatusText kStatusTexts[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

std::string Message(int status, absl::string_view type, absl::string_view body, bool is_last) {
  return absl::StrCat("HTTP/1.1 ", StatusLine(status), "\r\nContent-Type: ", type,
                      "\r\nContent-Length: ", body.size(), is_last ? "\r\nConnection: close" : "",
                      "\r\n\r\n", body);
}

bool IsLater() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

std::string StatusLine(int status) {
  for (const StatusText& one : kStatusTexts)
    if (one.status == status) return absl::StrCat(status, " ", one.text);
  return absl::StrCat(status, " Refused");
}

HttpConnection::HttpConnection(Descriptor socket, absl::Time now)
    : socket_(std::move(socket)), deadline_(now + kIdle) {}

void HttpConnection::Enter(State state, absl::Time deadline) {
  state_ = state;
  deadline_ = deadline;
}

short HttpConnection::events() const {
  switch (state_) {
    case State::kReading:
    case State::kDraining:
      return POLLIN;
    case State::kWriting:
      return POLLOUT;
    case State::kServing:
    case State::kClosed:
      break;
  }
  return 0;
}

void HttpConnection::OnReady(absl::Time now) {
  if (state_ == State::kReading) return Read(now);
  if (state_ == State::kWriting) return Write(now);
  if (state_ == State::kDraining) Drain();
}

void HttpConnection::OnTime(absl::Time now) {
  if (now < deadline_) return;
  timed_out_ = state_ == State::kReading && !is_idle();
  if (!timed_out_) Enter(State::kClosed, absl::InfiniteFuture());
}

void HttpConnection::Read(absl::Time now) {
  std::array<char, kReadSize> room;
  const ssize_t got = recv(socket_.get(), room.data(), room.size(), 0);
  if (got < 0 && IsLater()) return;
  if (got <= 0) return Enter(State::kClosed, absl::InfiniteFuture());
  ahead_.append(room.data(), static_cast<size_t>(got));
  Consume(now);
}

void HttpConnection::Consume(absl::Time now) {
  const bool was_idle = is_idle();
  ahead_.erase(0, reader_.Take(ahead_));
  if (reader_.state() == RequestReader::State::kDone) {
    ends_ = !reader_.request().keep_alive;
    is_new_request_ = true;
    return Enter(State::kServing, absl::InfiniteFuture());
  }
  if (was_idle && !is_idle()) deadline_ = now + kPatience;
  if (reader_.TakeExpectation()) {
    // The output buffer is empty: a client that waits for this has read all earlier answers.
    constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    send(socket_.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
  }
}

void HttpConnection::Answer(int status, absl::string_view type, absl::string_view body,
                            bool is_last, absl::Time now) {
  ends_ = ends_ || is_last;
  timed_out_ = false;
  out_ = Message(status, type, body, ends_);
  written_ = 0;
  Enter(State::kWriting, now + kPatience);
  Write(now);
}

void HttpConnection::Write(absl::Time now) {
  while (written_ < out_.size()) {
    const ssize_t sent =
        send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0 && IsLater()) return;
    if (sent <= 0) return Enter(State::kClosed, absl::InfiniteFuture());
    written_ += static_cast<size_t>(sent);
  }
  out_.clear();
  if (!ends_) {
    Enter(State::kReading, now + kIdle);
    reader_.Reset();
    if (!ahead_.empty()) Consume(now);
    return;
  }
  shutdown(socket_.get(), SHUT_WR);
  ahead_.clear();
  Enter(State::kDraining, now + kDrain);
}

bool HttpConnection::TakeRequest() { return std::exchange(is_new_request_, false); }

void HttpConnection::Drain() {
  std::array<char, kReadSize> room;
  const ssize_t got = recv(socket_.get(), room.data(), room.size(), 0);
  if (got == 0 || (got < 0 && !IsLater())) Enter(State::kClosed, absl::InfiniteFuture());
}

void HttpConnection::Evict(absl::string_view type, absl::string_view body) {
  const std::string message = Message(503, type, body, true);
  send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
  Enter(State::kClosed, absl::InfiniteFuture());
}

}  // namespace nvdimmfs::volumes
