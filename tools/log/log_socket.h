// SPDX-License-Identifier: Apache-2.0
// The socket of a log: /dev/log, or that of systemd's journal.
//
// Sending never waits: a message is lost if the socket is full. When the reader is restarted, its
// new socket is found; if there is none at first, each message looks for it.
//
// Thread rules: the owner calls from one thread at a time.
#ifndef NVDIMMFS_TOOLS_LOG_LOG_SOCKET_H_
#define NVDIMMFS_TOOLS_LOG_LOG_SOCKET_H_

#include <string>

namespace nvdimmfs::tools {

class LogSocket {
 public:
  explicit LogSocket(std::string path);
  ~LogSocket();
  LogSocket(const LogSocket&) = delete;
  LogSocket& operator=(const LogSocket&) = delete;

  // Sends one message, on a stream with a NUL at its end. False if it is lost.
  bool Send(const std::string& message);

 private:
  bool Connect();
  bool SendNow(const std::string& message) const;

  // The original folder in which the socket is, or will be, and the socket's path through it. A
  // shell later covers /dev with a view whose lookups ask this daemon: a log line that looked there
  // would wait for itself.
  int folder_ = -1;
  std::string path_;
  int socket_ = -1;
  bool is_stream_ = false;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOG_LOG_SOCKET_H_
