// SPDX-License-Identifier: Apache-2.0
// Parses HTTP/1.x requests, one after another, from bytes as they arrive. No sockets.
//
// Every length is bounded while it is read. So a client costs at most kLongestHead + kLongestBody
// bytes of memory, whatever it sends, at whatever speed.
//
// Source: RFC 9112. Thread rules: one thread at a time.
#ifndef NVDIMMFS_TOOLS_VOLUMES_HTTP_REQUEST_H_
#define NVDIMMFS_TOOLS_VOLUMES_HTTP_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::volumes {

struct HttpRequest {
  std::string method;
  std::string path;  // without the query
  std::string body;
  bool keep_alive = true;
};

class RequestReader {
 public:
  static constexpr size_t kLongestHead = 16 << 10;  // request line and headers; trailers likewise
  static constexpr size_t kLongestBody = 256 << 10;
  static constexpr size_t kLongestChunkLine = 256;

  enum class State {
    kIdle,     // no byte of a request yet
    kReading,  // some bytes
    kDone,     // a whole request: see request()
    kRefused,  // see status() and why(); the rest of the input cannot be parsed
  };

  // Takes bytes up to the end of the request and returns their count; the rest belongs to the next.
  size_t Take(absl::string_view bytes);
  // Forgets the request and begins the next one.
  void Reset() { *this = RequestReader(); }

  State state() const { return state_; }
  const HttpRequest& request() const { return request_; }
  int status() const { return status_; }  // of HTTP: 400, 413, 431, 501, 505
  const std::string& why() const { return why_; }
  // Whether the client waits for "100 Continue" before it sends the body. True once a request.
  bool TakeExpectation();

 private:
  enum class Part { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailers };

  size_t TakeHead(absl::string_view bytes);
  size_t TakeLine(absl::string_view bytes, size_t longest);
  size_t TakeData(absl::string_view bytes);
  void ParseHead();
  void ParseHeader(absl::string_view name, absl::string_view value);
  void ParseChunkSize();
  void EndLine();
  void Refuse(int status, absl::string_view why);

  State state_ = State::kIdle;
  Part part_ = Part::kHead;
  HttpRequest request_;
  std::string line_;   // the head, or a line of a chunked body, as far as it is there
  uint64_t left_ = 0;  // of the body or chunk
  bool has_length_ = false;
  bool is_chunked_ = false;
  bool expects_ = false;
  size_t trailers_ = 0;  // bytes
  int status_ = 0;
  std::string why_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_HTTP_REQUEST_H_
