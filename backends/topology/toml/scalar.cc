// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/toml/scalar.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::toml {
namespace {

std::optional<int> DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const uint32_t marks[] = {0, 0xc0, 0xe0, 0xf0};
  out.push_back(static_cast<char>(marks[more] | code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i)
    out.push_back(static_cast<char>(0x80 | (code >> (6 * i) & 0x3f)));
}

// \uXXXX or \UXXXXXXXX; the cursor is at the first digit.
absl::Status AppendCode(Cursor& cursor, int digits, std::string& out) {
  uint32_t code = 0;
  for (int i = 0; i < digits; ++i) {
    const auto digit = DigitOf(cursor.next());
    if (!digit) return cursor.Refuse(absl::StrCat("this escape needs ", digits, " hex digits"));
    code = code << 4 | static_cast<uint32_t>(*digit);
    cursor.Advance();
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return cursor.Refuse("the preceding escape is not a Unicode character");
  AppendUtf8(code, out);
  return absl::OkStatus();
}

// The cursor is after the backslash.
absl::Status AppendEscape(Cursor& cursor, std::string& out) {
  constexpr absl::string_view kLetters = "btnfr\"\\", kMeans = "\b\t\n\f\r\"\\";
  const char letter = cursor.next();
  if (const size_t found = kLetters.find(letter); found != kLetters.npos) {
    out.push_back(kMeans[found]);
    cursor.Advance();
    return absl::OkStatus();
  }
  if (letter == 'u' || letter == 'U') {
    cursor.Advance();
    return AppendCode(cursor, letter == 'u' ? 4 : 8, out);
  }
  return cursor.Refuse(
      "unknown escape; known are \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX; "
      "single-quoted strings have none");
}

// A backslash at the end of a line joins it with the following text. The cursor is after the
// backslash.
bool SkipJoin(Cursor& cursor) {
  Cursor ahead = cursor;
  ahead.SkipBlanks();
  if (!ahead.TakeLineEnd()) return false;
  do ahead.SkipBlanks();
  while (ahead.TakeLineEnd());
  cursor = ahead;
  return true;
}

// Single-line strings end at `quote`, multi-line strings at three of them.
absl::StatusOr<std::string> ReadQuoted(Cursor& cursor, char quote, bool lines) {
  const Place start = cursor.place();
  const std::string end(lines ? 3 : 1, quote);
  cursor.Take(end);
  if (lines) cursor.TakeLineEnd();
  std::string text;
  while (!cursor.Take(end)) {
    if (cursor.at_end() || (!lines && cursor.AtLineEnd()))
      return Cursor::Refuse(start, absl::StrCat("unterminated string: no closing ", end));
    if (quote == '"' && cursor.Take("\\")) {
      if (!lines || !SkipJoin(cursor)) RETURN_IF_ERROR(AppendEscape(cursor, text));
    } else if (lines && cursor.TakeLineEnd()) {
      text.push_back('\n');
    } else {
      text.push_back(cursor.next());
      cursor.Advance();
    }
  }
  // One or two more quotes are part of the text.
  const std::string one(1, quote);
  for (int i = 0; lines && i < 2 && cursor.Take(one); ++i) text.push_back(quote);
  return text;
}

// Digits with single underscores between them; nothing if malformed, or too large.
std::optional<uint64_t> ReadDigits(absl::string_view digits, int base) {
  uint64_t value = 0;
  bool after_digit = false;
  for (const char c : digits) {
    if (c == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    const auto digit = DigitOf(c);
    if (!digit || *digit >= base) return std::nullopt;
    const uint64_t more = static_cast<uint64_t>(*digit);
    if (value > (std::numeric_limits<uint64_t>::max() - more) / static_cast<uint64_t>(base))
      return std::nullopt;
    value = value * static_cast<uint64_t>(base) + more;
    after_digit = true;
  }
  return after_digit ? std::optional<uint64_t>(value) : std::nullopt;
}

std::optional<int64_t> ReadInteger(absl::string_view word) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr std::pair<absl::string_view, int> kBases[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};
  for (const auto& [prefix, base] : kBases) {
    if (!absl::StartsWith(word, prefix)) continue;
    const auto value = ReadDigits(word.substr(2), base);
    return value && *value <= kMost ? std::optional(static_cast<int64_t>(*value)) : std::nullopt;
  }
  const bool negative = absl::StartsWith(word, "-");
  if (negative || absl::StartsWith(word, "+")) word.remove_prefix(1);
  if (word.size() > 1 && word[0] == '0') return std::nullopt;
  const auto value = ReadDigits(word, 10);
  if (!value || *value > kMost + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - *value : *value);
}

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("+-_.:").find(c) != absl::string_view::npos;
}

}  // namespace

absl::StatusOr<std::string> ReadText(Cursor& cursor, bool lines) {
  const char quote = cursor.next();
  const bool three = absl::StartsWith(cursor.rest(), std::string(3, quote));
  if (three && !lines) return cursor.Refuse("a key cannot be a multi-line string");
  return ReadQuoted(cursor, quote, three);
}

absl::StatusOr<Value> ReadWord(Cursor& cursor) {
  const Place place = cursor.place();
  size_t length = 0;
  while (length < cursor.rest().size() && IsWordCharacter(cursor.rest()[length])) ++length;
  const absl::string_view word = cursor.rest().substr(0, length);
  if (word.empty())
    return cursor.Refuse(
        "expected a value: a quoted string, an integer, true, false, [ ... ] or { ... }");
  cursor.Advance(length);
  if (word == "true" || word == "false") return Value{word == "true", place};
  if (const auto number = ReadInteger(word)) return Value{*number, place};
  return Cursor::Refuse(place,
                        absl::StrCat(word.substr(0, 40), length > 40 ? "..." : "",
                                     ": not a 64-bit integer, true or false; strings (including "
                                     "sizes such as \"64M\") need quotes"));
}

}  // namespace nvdimmfs::backends::toml
