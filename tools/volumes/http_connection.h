// SPDX-License-Identifier: Apache-2.0
// One client of the HTTP server: its request, its answer, and their deadlines.
//
// Thread rules: the server's thread only.
#ifndef NVDIMMFS_TOOLS_VOLUMES_HTTP_CONNECTION_H_
#define NVDIMMFS_TOOLS_VOLUMES_HTTP_CONNECTION_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/posix/descriptor.h"
#include "tools/volumes/http_request.h"

namespace nvdimmfs::volumes {

class HttpConnection {
 public:
  enum class State {
    kReading,   // a request, or waiting for one
    kServing,   // its call waits or is under way
    kWriting,   // an answer
    kDraining,  // the last answer is written; further input is discarded
    kClosed,
  };
  // How long a client may take to send a request, and to read an answer.
  static constexpr absl::Duration kPatience = absl::Seconds(10);
  // How long a connection may stay without a request.
  static constexpr absl::Duration kIdle = absl::Seconds(120);
  // How long a refused client may continue to send. A client that sends everything before it reads
  // gets the answer only if its input is read.
  static constexpr absl::Duration kDrain = absl::Seconds(2);

  HttpConnection(posix::Descriptor socket, absl::Time now);

  // Reads and writes what the socket allows. It may change state().
  void OnReady(absl::Time now);
  // Ends what takes too long. A request that is incomplete in time is refused with 408.
  void OnTime(absl::Time now);
  // Answers. Reading continues afterwards unless the client or `is_last` makes this the last
  // answer.
  void Answer(int status, absl::string_view type, absl::string_view body, bool is_last,
              absl::Time now);
  // Makes room for another client: sends as much of a 503 as fits at once, then kClosed.
  void Evict(absl::string_view type, absl::string_view body);
  // True once for each request: reader() has it, and the connection waits for Answer.
  bool TakeRequest();

  State state() const { return state_; }
  // POLLIN, POLLOUT or 0.
  short events() const;
  int descriptor() const { return socket_.get(); }
  // When to call OnTime.
  absl::Time deadline() const { return deadline_; }
  // The request; valid while state() is kServing, or after the reader refused it.
  const RequestReader& reader() const { return reader_; }
  bool is_idle() const {
    return state_ == State::kReading && reader_.state() == RequestReader::State::kIdle;
  }
  bool timed_out() const { return timed_out_; }

 private:
  void Read(absl::Time now);
  void Consume(absl::Time now);
  void Write(absl::Time now);
  void Drain();
  void Enter(State state, absl::Time deadline);

  posix::Descriptor socket_;
  RequestReader reader_;
  std::string ahead_;  // bytes of requests after this one; at most one read
  std::string out_;
  size_t written_ = 0;
  State state_ = State::kReading;
  absl::Time deadline_;
  bool is_new_request_ = false;
  bool ends_ = false;
  bool timed_out_ = false;
};

// "408 Request Timeout" for 408.
std::string StatusLine(int status);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_HTTP_CONNECTION_H_
