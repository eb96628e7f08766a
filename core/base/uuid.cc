// SPDX-License-Identifier: Apache-2.0
#include "core/base/uuid.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

namespace nvdimmfs::core {
namespace {

constexpr bool IsDash(size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Uuid::Bytes SwapFields(Uuid::Bytes bytes) {
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  return bytes;
}

}  // namespace

std::optional<Uuid> Uuid::Parse(absl::string_view text) {
  if (text.size() < 36) return std::nullopt;
  Bytes bytes{};
  size_t digits = 0;
  for (size_t at = 0; at < 36; ++at) {
    if (IsDash(at)) {
      if (text[at] != '-') return std::nullopt;
      continue;
    }
    const int digit = HexDigit(text[at]);
    if (digit < 0) return std::nullopt;
    bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] << 4 | digit);
    ++digits;
  }
  return Uuid(bytes);
}

Uuid Uuid::FromGuidOrder(const Bytes& guid_order) { return Uuid(SwapFields(guid_order)); }

Uuid::Bytes Uuid::guid_order() const { return SwapFields(bytes_); }

Uuid Uuid::Random() {
  Bytes bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  return Uuid(bytes);
}

std::string Uuid::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(36, '-');
  size_t at = 0;
  for (const uint8_t byte : bytes_) {
    if (IsDash(at)) ++at;
    text[at++] = kDigits[byte >> 4];
    text[at++] = kDigits[byte & 15];
  }
  return text;
}

}  // namespace nvdimmfs::core
