// SPDX-License-Identifier: Apache-2.0
// A libFuzzer dictionary of the words of this program: attribute names, what writes take, options,
// the keys of topology files, and the signatures and GUIDs of the formats on media and of tables.
#ifndef NVDIMMFS_TOOLS_DOCS_DICTIONARY_H_
#define NVDIMMFS_TOOLS_DOCS_DICTIONARY_H_

#include <string>
#include <vector>

namespace nvdimmfs::tools {

// Sorted, without duplicates.
std::vector<std::string> DictionaryWords();

// One `"word"` a line, escaped as libFuzzer and AFL expect.
std::string Dictionary();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_DOCS_DICTIONARY_H_
