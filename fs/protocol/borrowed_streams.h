// SPDX-License-Identifier: Apache-2.0
// Takes the standard streams away from programs that are run meanwhile: they read and write
// nothing, and what they print on standard error is collected.
#ifndef NVDIMMFS_FS_PROTOCOL_BORROWED_STREAMS_H_
#define NVDIMMFS_FS_PROTOCOL_BORROWED_STREAMS_H_

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

namespace nvdimmfs::fs {

// Thread rules: what other threads write to standard error is collected, too.
class BorrowedStreams {
 public:
  BorrowedStreams() {
    for (int stream = 0; stream < 3; ++stream)
      kept_[static_cast<size_t>(stream)] = fcntl(stream, F_DUPFD_CLOEXEC, 3);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (pipe2(said_.data(), O_CLOEXEC | O_NONBLOCK) != 0) said_ = {-1, -1};
    for (const int stream : {0, 1}) dup2(null, stream);
    dup2(said_[1] >= 0 ? said_[1] : null, 2);
    if (null >= 0) close(null);
    if (said_[1] >= 0) close(said_[1]);
  }
  ~BorrowedStreams() { Return(); }
  BorrowedStreams(const BorrowedStreams&) = delete;
  BorrowedStreams& operator=(const BorrowedStreams&) = delete;

  // Gives them back, and returns what was printed, as far as it fitted into a pipe.
  std::string Return() {
    for (int stream = 0; stream < 3; ++stream)
      if (const int kept = std::exchange(kept_[static_cast<size_t>(stream)], -1); kept >= 0) {
        dup2(kept, stream);
        close(kept);
      }
    std::string text;
    const int from = std::exchange(said_[0], -1);
    if (from < 0) return text;
    std::array<char, 4096> piece;
    // A program that keeps running holds the other end: stop when there is nothing more for now.
    for (ssize_t n; (n = read(from, piece.data(), piece.size())) > 0;)
      text.append(piece.data(), static_cast<size_t>(n));
    close(from);
    return text;
  }

 private:
  std::array<int, 3> kept_{-1, -1, -1};
  std::array<int, 2> said_{-1, -1};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_BORROWED_STREAMS_H_
