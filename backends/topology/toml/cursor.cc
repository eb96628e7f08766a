// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/toml/cursor.h"

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status.h"
#include "core/base/utf8.h"

namespace nvdimmfs::backends::toml {

bool Cursor::AtLineEnd() const {
  return at_end() || next() == '\n' || absl::StartsWith(rest(), "\r\n");
}

void Cursor::Advance(size_t bytes) {
  for (; bytes > 0 && !at_end(); --bytes, ++at_) {
    const unsigned char byte = static_cast<unsigned char>(text_[at_]);
    if (byte == '\n')
      place_ = {place_.line + 1, 1};
    else if ((byte & 0xc0) != 0x80)  // the first byte of a character
      ++place_.column;
  }
}

bool Cursor::Take(absl::string_view word) {
  if (!absl::StartsWith(rest(), word)) return false;
  Advance(word.size());
  return true;
}

bool Cursor::TakeLineEnd() { return Take("\n") || Take("\r\n"); }

void Cursor::SkipBlanks() {
  while (next() == ' ' || next() == '\t') Advance();
}

void Cursor::SkipComment() {
  if (next() != '#') return;
  while (!AtLineEnd()) Advance();
}

void Cursor::SkipBlanksCommentsAndLines() {
  do {
    SkipBlanks();
    SkipComment();
  } while (TakeLineEnd());
}

absl::Status Cursor::Refuse(Place at, absl::string_view why) {
  return core::Refusal(EINVAL, "toml.syntax", absl::StrCat(at.line, ":", at.column, ": ", why));
}

absl::Status CheckCharacters(absl::string_view text) {
  for (Cursor cursor(text); !cursor.at_end();) {
    const core::Utf8Character character = core::FirstCharacter(cursor.rest());
    if (character.length == 0)
      return cursor.Refuse(absl::StrFormat("byte 0x%02x is not UTF-8",
                                           static_cast<unsigned char>(cursor.rest()[0])));
    const bool control = character.code < ' ' || character.code == 0x7f;
    if (control && character.code != '\t' && !cursor.AtLineEnd())
      return cursor.Refuse(
          absl::StrFormat("control character U+%04X; write \\u%04x in a double-quoted string",
                          character.code, character.code));
    if (!cursor.TakeLineEnd()) cursor.Advance(character.length);
  }
  return absl::OkStatus();
}

}  // namespace nvdimmfs::backends::toml
