// SPDX-License-Identifier: Apache-2.0
// The end of a text file, for messages.
#ifndef NVDIMMFS_TOOLS_CRASH_TEXT_FILE_H_
#define NVDIMMFS_TOOLS_CRASH_TEXT_FILE_H_

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace nvdimmfs::tools {

// At most the last `most` bytes, beginning with a whole line, without the final line feeds.
// Empty if the file cannot be read.
inline std::string TailOf(const std::string& path, size_t most) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const auto size = static_cast<size_t>(file.tellg());
  file.seekg(static_cast<std::streamoff>(size > most ? size - most : 0));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (size > most) text.erase(0, text.find('\n') + 1);
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_TEXT_FILE_H_
