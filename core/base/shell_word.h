// SPDX-License-Identifier: Apache-2.0
// A text as one word of a shell command line that a message shows.
#ifndef NVDIMMFS_CORE_BASE_SHELL_WORD_H_
#define NVDIMMFS_CORE_BASE_SHELL_WORD_H_

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace nvdimmfs::core {

// Quoted only if necessary.
inline std::string ShellWord(const std::string& word) {
  const bool plain = std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) || (c != 0 && std::strchr("-_./,=:+@%", c) != nullptr);
  });
  if (plain && !word.empty()) return word;
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_SHELL_WORD_H_
