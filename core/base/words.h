// SPDX-License-Identifier: Apache-2.0
// Lines of key=value words, as x/create takes them.
#ifndef NVDIMMFS_CORE_BASE_WORDS_H_
#define NVDIMMFS_CORE_BASE_WORDS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

struct Word {
  std::string key;
  std::string value;
  friend bool operator==(const Word&, const Word&) = default;
};

// Words are separated by blanks, tabs, newlines and commas. A value that begins with ' or " extends
// to the next such mark and may contain anything in between, including separators. A separator or
// the end of the line must follow it. Within "..." a backslash before " or another backslash stands
// for that character. Elsewhere quotes and backslashes are ordinary characters.
//
// Refused with EINVAL, "words.syntax": a word without "=" or without a key, a key that is given
// twice, an unterminated quote, a closing quote without a separator after it.
absl::StatusOr<std::vector<Word>> ParseWords(absl::string_view line);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_WORDS_H_
