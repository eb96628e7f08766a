// SPDX-License-Identifier: Apache-2.0
// Hostile bytes on the socket: whatever comes, and in whatever pieces, the reader takes no more
// than it may and ends in the same state.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/volumes/http_request.h"

namespace nvdimmfs::volumes {
namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

// A line for each request and refusal.
std::string Read(absl::string_view bytes, size_t step) {
  RequestReader reader;
  std::string ahead, told;
  for (size_t at = 0; at < bytes.size(); at += step) {
    absl::StrAppend(&ahead, bytes.substr(at, step));
    while (!ahead.empty() && reader.state() != RequestReader::State::kRefused) {
      const size_t taken = reader.Take(ahead);
      Demand(taken <= ahead.size());
      ahead.erase(0, taken);
      Demand(reader.request().body.size() <= RequestReader::kLongestBody);
      if (reader.state() == RequestReader::State::kDone) {
        const HttpRequest& request = reader.request();
        Demand(request.path.front() == '/' && !request.method.empty());
        told += request.method + " " + request.path + " " + request.body + "\n";
        reader.Reset();
      } else {
        Demand(ahead.empty() || reader.state() == RequestReader::State::kRefused);
      }
    }
  }
  if (reader.state() == RequestReader::State::kRefused) {
    Demand(reader.status() >= 400 && !reader.why().empty());
    told += std::to_string(reader.status());
  }
  return told;
}

}  // namespace
}  // namespace nvdimmfs::volumes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = nvdimmfs::volumes::Read(bytes, std::max<size_t>(size, 1));
  for (const size_t step : {1, 3, 64})
    if (nvdimmfs::volumes::Read(bytes, step) != whole) std::abort();
  return 0;
}
