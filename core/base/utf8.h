// SPDX-License-Identifier: Apache-2.0
// Escapes untrusted text (a label's name, a path, a line of a table) for a terminal, a log or a
// document.
//
// The rule everywhere: an unprintable character becomes an escape. Unprintable are control
// characters (C0, DEL, C1), characters that change the direction of text or have no width (bidi
// controls, zero-width characters, line and paragraph separators), non-characters, and every byte
// that is not part of well-formed UTF-8 (RFC 3629). All other characters stay as they are.
//
//     text, links, labels of metrics   \x1b for each byte, as udev names its links
//     JSON                             \u202e; U+FFFD for a byte that is not UTF-8
#ifndef NVDIMMFS_CORE_BASE_UTF8_H_
#define NVDIMMFS_CORE_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

struct Utf8Character {
  uint32_t code = 0;
  size_t length = 0;  // bytes; 0: the text does not start with a well-formed character
};
Utf8Character FirstCharacter(absl::string_view text);

// A name as one word of a longer text. Escapes backslashes, too, so that different names stay
// different.
std::string EscapeName(absl::string_view name);

// A whole sentence, such as a refusal. Backslashes stay: escaping twice changes nothing.
std::string EscapeSentence(absl::string_view sentence);

// Text of several lines: line feeds stay.
std::string EscapeText(absl::string_view text);

// A JSON document. Line feeds stay, because no JSON writer puts one into a string. The document
// keeps its value, except for bytes that are not UTF-8.
std::string EscapeJson(absl::string_view json);

// `text` as a JSON string, with its quotes.
std::string QuoteJson(absl::string_view text);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_UTF8_H_
