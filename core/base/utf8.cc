// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nvdimmfs::core {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr uint32_t kLastCode = 0x10ffff;

// Unprintable characters: Unicode's Cc, Zl, Zp, and those of Cf that draw nothing.
struct CodeRange {
  uint32_t first, last;
};
constexpr CodeRange kHidden[] = {
    {0x0000, 0x001f},    // C0
    {0x007f, 0x009f},    // DEL and C1
    {0x00ad, 0x00ad},    // soft hyphen
    {0x034f, 0x034f},    // combining grapheme joiner
    {0x061c, 0x061c},    // Arabic letter mark
    {0x115f, 0x1160},    // Hangul fillers
    {0x17b4, 0x17b5},    // Khmer inherent vowels
    {0x180b, 0x180f},    // Mongolian selectors and separator
    {0x200b, 0x200f},    // zero-width characters, direction marks
    {0x2028, 0x202e},    // separators, direction embeddings and overrides
    {0x2060, 0x206f},    // invisible operators, direction isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xfdd0, 0xfdef},    // non-characters
    {0xfeff, 0xfeff},    // byte order mark
    {0xffa0, 0xffa0},    // half-width Hangul filler
    {0xfff0, 0xfffb},    // unassigned, interlinear annotation
    {0x1bca0, 0x1bca3},  // shorthand format controls
    {0x1d173, 0x1d17a},  // musical format controls
    {0xe0000, 0xe0fff},  // tags, further variation selectors
};

bool Shows(uint32_t code) {
  if ((code & 0xfffe) == 0xfffe) return false;  // the last two of each plane
  return std::none_of(std::begin(kHidden), std::end(kHidden), [code](const CodeRange& range) {
    return range.first <= code && code <= range.last;
  });
}

void AppendBytes(absl::string_view bytes, std::string& out) {
  for (const char byte : bytes)
    absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(byte));
}

void AppendJsonEscape(uint32_t code, std::string& out) {
  if (code <= 0xffff) {
    absl::StrAppendFormat(&out, "\\u%04x", code);
    return;
  }
  const uint32_t above = code - 0x10000;
  absl::StrAppendFormat(&out, "\\u%04x\\u%04x", 0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff));
}

// `keep`: unprintable characters to keep; `also`: printable ones to escape.
std::string Escape(absl::string_view text, absl::string_view keep, absl::string_view also) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character next = FirstCharacter(text);
    const absl::string_view bytes = text.substr(0, std::max<size_t>(next.length, 1));
    const bool shows = next.length != 0 && Shows(next.code) && also.find(bytes) == also.npos;
    if (shows || keep.find(bytes) != keep.npos)
      absl::StrAppend(&out, bytes);
    else
      AppendBytes(bytes, out);
    text.remove_prefix(bytes.size());
  }
  return out;
}

}  // namespace

Utf8Character FirstCharacter(absl::string_view text) {
  if (text.empty()) return {};
  const uint8_t first = static_cast<uint8_t>(text[0]);
  const size_t length = first < 0x80             ? 1
                        : (first & 0xe0) == 0xc0 ? 2
                        : (first & 0xf0) == 0xe0 ? 3
                        : (first & 0xf8) == 0xf0 ? 4
                                                 : 0;
  if (length == 0 || length > text.size()) return {};
  uint32_t code = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    const uint8_t next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3f);
  }
  // A longer sequence than needed is not well-formed.
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kSmallest[length] || surrogate || code > kLastCode) return {};
  return {code, length};
}

std::string EscapeName(absl::string_view name) { return Escape(name, "", "\\"); }

std::string EscapeSentence(absl::string_view sentence) { return Escape(sentence, "", ""); }

std::string EscapeText(absl::string_view text) { return Escape(text, "\n", ""); }

std::string EscapeJson(absl::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Utf8Character next = FirstCharacter(json);
    const absl::string_view bytes = json.substr(0, std::max<size_t>(next.length, 1));
    if (next.length == 0)
      absl::StrAppend(&out, kReplacement);
    else if (next.code == '\n' || Shows(next.code))
      absl::StrAppend(&out, bytes);
    else
      AppendJsonEscape(next.code, out);
    json.remove_prefix(bytes.size());
  }
  return out;
}

std::string QuoteJson(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n') {
      absl::StrAppend(&quoted, "\\n");
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return EscapeJson(quoted);
}

}  // namespace nvdimmfs::core
