// SPDX-License-Identifier: Apache-2.0
#include "core/base/input.h"

#include <cerrno>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, 80)), "\"");
}

absl::Status NotANumber(absl::string_view text) {
  return Refusal(EINVAL, "input.syntax",
                 absl::StrCat(Quoted(text),
                              " is not a number: digits, or 0x and hex digits, in bytes "
                              "and without a unit or a blank"));
}

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

int TakeBase(absl::string_view& digits) {
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x' &&
      DigitValue(digits[2]) < 16) {
    digits.remove_prefix(2);
    return 16;
  }
  return !digits.empty() && digits[0] == '0' ? 8 : 10;
}

}  // namespace

absl::StatusOr<uint64_t> ParseUnsigned(absl::string_view text) {
  absl::string_view digits = text;
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  const uint64_t base = TakeBase(digits);
  uint64_t value = 0;
  size_t count = 0;
  bool overflow = false;
  while (count < digits.size()) {
    const uint64_t digit = DigitValue(digits[count]);
    if (digit >= base) break;
    const auto scaled = CheckedMul(value, base);
    const auto next = scaled ? CheckedAdd(*scaled, digit) : std::nullopt;
    if (!next) overflow = true;
    value = next.value_or(0);
    ++count;
  }
  if (overflow)
    return Refusal(ERANGE, "input.range", absl::StrCat(Quoted(text), " does not fit in 64 bits"));
  if (count == 0) return NotANumber(text);
  digits.remove_prefix(count);
  if (!digits.empty() && digits[0] == '\n') digits.remove_prefix(1);
  if (!digits.empty()) return NotANumber(text);
  return value;
}

absl::StatusOr<int64_t> ParseSigned(absl::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative && text.size() > 1 && text[1] == '+') return NotANumber(text);
  ASSIGN_OR_RETURN(const uint64_t magnitude, ParseUnsigned(negative ? text.substr(1) : text));
  const uint64_t limit = uint64_t{std::numeric_limits<int64_t>::max()} + (negative ? 1 : 0);
  if (magnitude > limit)
    return Refusal(ERANGE, "input.range", absl::StrCat(Quoted(text), " does not fit in 64 bits"));
  return negative ? static_cast<int64_t>(0 - magnitude) : static_cast<int64_t>(magnitude);
}

absl::StatusOr<bool> ParseBool(absl::string_view text, Kernel kernel) {
  const char first = text.empty() ? '\0' : text[0];
  switch (first) {
    case 'y':
    case 'Y':
    case 't':
    case 'T':
    case '1':
      return true;
    case 'n':
    case 'N':
    case 'f':
    case 'F':
    case '0':
      return false;
    case 'o':
    case 'O':
      if (text.size() > 1 && (text[1] == 'n' || text[1] == 'N')) return true;
      if (text.size() > 1 && (text[1] == 'f' || text[1] == 'F')) return false;
      break;
    case 'e':
    case 'E':
      if (kernel >= Kernel::k7_3) return true;
      break;
    case 'd':
    case 'D':
      if (kernel >= Kernel::k7_3) return false;
      break;
    default:
      break;
  }
  return Refusal(EINVAL, "input.syntax",
                 absl::StrCat(Quoted(text), " is neither yes nor no: write 1 or 0"));
}

absl::StatusOr<Uuid> ParseUuid(absl::string_view text) {
  const auto uuid = Uuid::Parse(text);
  if (uuid) return *uuid;
  return Refusal(EINVAL, "input.syntax",
                 absl::StrCat(Quoted(text), " is not a UUID of the form 8-4-4-4-12 hex digits"));
}

absl::StatusOr<uint64_t> ParseChoice(absl::string_view text, absl::Span<const uint64_t> choices) {
  ASSIGN_OR_RETURN(const uint64_t value, ParseUnsigned(text));
  for (const uint64_t choice : choices)
    if (choice == value) return value;
  return Refusal(
      EINVAL, "input.choice",
      absl::StrCat(value, " is not supported; supported: ", absl::StrJoin(choices, " ")));
}

bool IsWord(absl::string_view text, absl::string_view word) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text == word;
}

absl::string_view Trim(absl::string_view text) { return absl::StripAsciiWhitespace(text); }

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  absl::string_view digits = text;
  const auto take = [&digits](char letter) {
    const bool is_there =
        !digits.empty() && absl::ascii_tolower(static_cast<unsigned char>(digits.back())) == letter;
    if (is_there) digits.remove_suffix(1);
    return is_there;
  };
  const bool is_hex = TakeBase(digits) == 16;
  digits = text;
  const bool has_b = !is_hex && take('b');  // in 0x1b it is a digit
  const bool has_i = has_b && take('i');
  size_t power = 0;
  for (size_t i = 0; i < 4 && power == 0; ++i)
    if (take("kmgt"[i])) power = i + 1;
  const auto number = ParseUnsigned(digits);
  if ((has_i && power == 0) || (!number.ok() && ErrnoOf(number.status()) == EINVAL))
    return Refusal(
        EINVAL, "input.syntax",
        absl::StrCat(Quoted(text),
                     " is not a size: a number with an optional K, M, G or T (powers of "
                     "1024, like KiB, MiB, GiB, TiB) or kB, MB, GB, TB (powers of 1000)"));
  if (!number.ok()) return number.status();
  const uint64_t unit = has_b && !has_i ? 1000 : 1024;
  std::optional<uint64_t> bytes = *number;
  for (; power > 0 && bytes; --power) bytes = CheckedMul(*bytes, unit);
  if (!bytes)
    return Refusal(ERANGE, "input.range", absl::StrCat(Quoted(text), " does not fit in 64 bits"));
  return *bytes;
}

std::string FormatChoices(absl::Span<const uint64_t> choices, uint64_t current) {
  std::string text;
  for (const uint64_t choice : choices) {
    if (choice == current)
      absl::StrAppend(&text, "[", choice, "] ");
    else
      absl::StrAppend(&text, choice, " ");
  }
  return absl::StrCat(text, "\n");
}

std::string FormatHex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

}  // namespace nvdimmfs::core
