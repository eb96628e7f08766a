#include "core/base/utf8.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace nvdimmfs::core {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";

bool IsPrintable(uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool surrogate = c >= 0xd800 && c < 0xe000;
  return !control && !surrogate && c != 0xfffe && c != 0xffff && c <= 0x10ffff;
}

// Bytes of the sequence that `text`, which is not empty, starts with; 0 where it is not to be kept.
size_t SequenceLength(absl::string_view text) {
  const uint8_t first = static_cast<uint8_t>(text[0]);
  const size_t length = first < 0x80             ? 1
                        : (first & 0xe0) == 0xc0 ? 2
                        : (first & 0xf0) == 0xe0 ? 3
                        : (first & 0xf8) == 0xf0 ? 4
                                                 : 0;
  if (length == 0 || length > text.size()) return 0;
  uint32_t c = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    const uint8_t next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return 0;
    c = c << 6 | (next & 0x3f);
  }
  // What a shorter sequence could say is not well-formed.
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  return c >= kSmallest[length] && IsPrintable(c) ? length : 0;
}

}  // namespace

std::string PrintableUtf8(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    absl::StrAppend(&out, length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace nvdimmfs::core
