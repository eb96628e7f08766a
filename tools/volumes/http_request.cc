// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/http_request.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace nvdimmfs::volumes {
namespace {

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// Whether `text` can be the name of a header or a method (RFC 9110, "token").
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
  });
}

}  // namespace

size_t RequestReader::Take(absl::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && state_ != State::kDone && state_ != State::kRefused) {
    const absl::string_view rest = bytes.substr(taken);
    switch (part_) {
      case Part::kHead:
        taken += TakeHead(rest);
        break;
      case Part::kBody:
      case Part::kChunkData:
        taken += TakeData(rest);
        break;
      case Part::kChunkSize:
      case Part::kChunkEnd:
        taken += TakeLine(rest, kLongestChunkLine);
        break;
      case Part::kTrailers:
        taken += TakeLine(rest, kLongestHead);
        break;
    }
  }
  return taken;
}

bool RequestReader::TakeExpectation() {
  const bool waits = expects_ && state_ == State::kReading && part_ != Part::kHead;
  if (waits) expects_ = false;
  return waits;
}

size_t RequestReader::TakeHead(absl::string_view bytes) {
  // An empty line before a request is left over from the one before (RFC 9112, 2.2).
  if (state_ == State::kIdle && (bytes[0] == '\r' || bytes[0] == '\n')) return 1;
  state_ = State::kReading;
  // The end may have begun in what came before.
  const size_t before = line_.size();
  const size_t from = before < 3 ? 0 : before - 3;
  absl::StrAppend(&line_, bytes.substr(0, std::min(bytes.size(), kLongestHead + 1 - before)));
  size_t end = line_.find("\r\n\r\n", from), length = 4;
  if (const size_t bare = line_.find("\n\n", from); bare < end) end = bare, length = 2;
  if (end == std::string::npos) {
    if (line_.size() > kLongestHead)
      Refuse(431, absl::StrCat("the request line and the headers have more than ", kLongestHead,
                               " bytes"));
    return line_.size() - before;
  }
  line_.resize(end + length);
  const size_t taken = line_.size() - before;
  ParseHead();
  line_.clear();
  return taken;
}

void RequestReader::ParseHead() {
  std::vector<std::string> lines = absl::StrSplit(line_, '\n');
  for (std::string& line : lines)
    if (absl::EndsWith(line, "\r")) line.pop_back();
  const std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
  if (words.size() != 3 || !IsToken(words[0]) || !absl::StartsWith(words[1], "/"))
    return Refuse(400, "the first line must be: METHOD /PATH HTTP/1.1");
  if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0")
    return Refuse(505, "only HTTP/1.0 and HTTP/1.1 are served");
  request_.method = words[0];
  request_.path = words[1].substr(0, words[1].find('?'));
  request_.keep_alive = words[2] == "HTTP/1.1";
  for (size_t i = 1; i < lines.size() && state_ != State::kRefused; ++i) {
    if (lines[i].empty()) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    if (parts.size() != 2 || !IsToken(parts[0]))
      return Refuse(400, "a header line must be: NAME: VALUE");
    ParseHeader(parts[0], absl::StripAsciiWhitespace(parts[1]));
  }
  if (state_ == State::kRefused) return;
  if (is_chunked_ && has_length_)
    return Refuse(400, "Content-Length and Transfer-Encoding contradict each other");
  part_ = is_chunked_ ? Part::kChunkSize : Part::kBody;
  // Without a length there is no body.
  if (!is_chunked_ && left_ == 0) state_ = State::kDone;
}

void RequestReader::ParseHeader(absl::string_view name, absl::string_view value) {
  if (absl::EqualsIgnoreCase(name, "Content-Length")) {
    uint64_t length = 0;
    if (!IsDigits(value) || (has_length_ && (!absl::SimpleAtoi(value, &length) || length != left_)))
      return Refuse(400, "Content-Length must be one decimal number");
    if (!absl::SimpleAtoi(value, &length) || length > kLongestBody)
      return Refuse(413, absl::StrCat("a body has at most ", kLongestBody, " bytes"));
    has_length_ = true;
    left_ = length;
  } else if (absl::EqualsIgnoreCase(name, "Transfer-Encoding")) {
    if (!absl::EqualsIgnoreCase(value, "chunked") || is_chunked_)
      return Refuse(501, "the only transfer encoding served is chunked");
    is_chunked_ = true;
  } else if (absl::EqualsIgnoreCase(name, "Connection")) {
    if (absl::EqualsIgnoreCase(value, "close")) request_.keep_alive = false;
    if (absl::EqualsIgnoreCase(value, "keep-alive")) request_.keep_alive = true;
  } else if (absl::EqualsIgnoreCase(name, "Expect")) {
    expects_ = absl::EqualsIgnoreCase(value, "100-continue");
  }
}

size_t RequestReader::TakeData(absl::string_view bytes) {
  const size_t take = static_cast<size_t>(std::min<uint64_t>(bytes.size(), left_));
  absl::StrAppend(&request_.body, bytes.substr(0, take));
  left_ -= take;
  if (left_ == 0) {
    if (part_ == Part::kBody) state_ = State::kDone;
    part_ = Part::kChunkEnd;
  }
  return take;
}

size_t RequestReader::TakeLine(absl::string_view bytes, size_t longest) {
  const size_t end = bytes.find('\n');
  const size_t take = end == absl::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + take > longest) {
    Refuse(400, "a line of the chunked body is too long");
    return take;
  }
  absl::StrAppend(&line_, bytes.substr(0, take));
  if (end == absl::string_view::npos) return take;
  line_.pop_back();
  if (absl::EndsWith(line_, "\r")) line_.pop_back();
  EndLine();
  line_.clear();
  return take;
}

void RequestReader::EndLine() {
  switch (part_) {
    case Part::kChunkSize:
      return ParseChunkSize();
    case Part::kChunkEnd:
      if (!line_.empty()) return Refuse(400, "a chunk is longer than its size says");
      part_ = Part::kChunkSize;
      return;
    default:
      break;
  }
  trailers_ += line_.size() + 1;
  if (line_.empty())
    state_ = State::kDone;
  else if (trailers_ > kLongestHead)
    Refuse(431, absl::StrCat("the trailers have more than ", kLongestHead, " bytes"));
}

void RequestReader::ParseChunkSize() {
  const absl::string_view digits =
      absl::StripAsciiWhitespace(absl::string_view(line_).substr(0, line_.find(';')));
  uint64_t size = 0;
  const bool is_hex = !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (!is_hex) return Refuse(400, "a chunk must begin with its size in hexadecimal digits");
  if (!absl::SimpleHexAtoi(digits, &size) || size > kLongestBody - request_.body.size())
    return Refuse(413, absl::StrCat("a body has at most ", kLongestBody, " bytes"));
  left_ = size;
  part_ = size == 0 ? Part::kTrailers : Part::kChunkData;
}

void RequestReader::Refuse(int status, absl::string_view why) {
  state_ = State::kRefused;
  status_ = status;
  why_ = std::string(why);
  request_.keep_alive = false;
}

}  // namespace nvdimmfs::volumes
