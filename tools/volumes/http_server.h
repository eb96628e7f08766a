// SPDX-License-Identifier: Apache-2.0
// The protocol over HTTP on a unix socket.
//
// One thread reads requests and writes answers for all connections; each call runs on its own
// thread. So a client that is slow, silent or gone costs a descriptor and a bounded buffer, and
// delays no other. A client that exceeds a limit gets the reason, which is logged, and its
// connection is closed.
#ifndef NVDIMMFS_TOOLS_VOLUMES_HTTP_SERVER_H_
#define NVDIMMFS_TOOLS_VOLUMES_HTTP_SERVER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "backends/posix/descriptor.h"
#include "tools/volumes/http_connection.h"
#include "tools/volumes/protocol.h"
#include "tools/volumes/volume_driver.h"

namespace nvdimmfs::volumes {

// POST: a call of the protocol, whatever the content type. GET /metrics: OpenMetrics.
// Thread rules: Run from one thread, Stop from any.
class HttpServer {
 public:
  // Concurrent connections. One more closes the connection that has been idle, or sending its
  // request, for the longest.
  static constexpr size_t kMostConnections = 256;
  // Concurrent calls; further ones wait for their turn, at most for kTurn.
  static constexpr size_t kMostCalls = 64;
  static constexpr absl::Duration kTurn = absl::Milliseconds(4500);

  // `driver` must outlive this.
  explicit HttpServer(VolumeDriver& driver);

  // Serves until Stop, and then until every call under way is answered. `socket` is listening.
  void Run(posix::Descriptor socket);
  void Stop();

 private:
  using Id = uint64_t;
  struct Waiting {
    Id id;
    absl::Time until;
  };

  void Wait();
  void Accept();
  void MakeRoom();
  void Settle(Id id, HttpConnection& connection, absl::Time now);
  void Refuse(HttpConnection& connection, int status, absl::string_view why);
  void StartCalls(absl::Time now);
  bool StartCall(Id id, const HttpRequest& request);
  void TakeReplies(absl::Time now);
  Reply ReplyTo(const HttpRequest& request);
  bool is_stopping() const;

  VolumeDriver& driver_;
  posix::Descriptor wake_;  // an eventfd: a reply is there, or Stop was called
  posix::Descriptor socket_;
  absl::Time accept_from_ =
      absl::InfinitePast();  // set while the kernel has no descriptor for one more
  std::map<Id, HttpConnection> connections_;
  Id next_id_ = 1;
  std::deque<Waiting> turn_;  // requests whose calls have not begun

  mutable absl::Mutex mutex_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::pair<Id, Reply>> replies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_HTTP_SERVER_H_
