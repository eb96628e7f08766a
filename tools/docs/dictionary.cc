// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/dictionary.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "backends/topology/topology_keys.h"
#include "core/system/tree_reference.h"
#include "tools/option_list.h"

namespace nvdimmfs::tools {
namespace {

// The words of a grammar that are written as they stand: in small letters, or numbers.
void AddWords(absl::string_view text, std::set<std::string>& words) {
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" |[];:,.="), absl::SkipEmpty()))
    if (!absl::ascii_isupper(word.front())) words.emplace(word);
}

}  // namespace

std::vector<std::string> DictionaryWords() {
  std::set<std::string> words;
  for (const core::TableReference& table : core::TreeReference())
    for (const core::Attribute& attribute : table.attributes) {
      words.emplace(attribute.name);
      AddWords(attribute.grammar, words);
    }
  for (const core::OptionHelp& option : AllOptions()) {
    words.emplace(option.name);
    AddWords(option.value, words);
  }
  for (const backends::TopologyKey& key : backends::TopologyKeys()) {
    words.emplace(key.name);
    if (!key.table.empty()) words.emplace(absl::StrCat("[[", key.table, "]]"));
    // The values that are words: "`\"efi\"`".
    const std::vector<absl::string_view> parts = absl::StrSplit(key.type, '`');
    for (size_t i = 1; i < parts.size(); i += 2)
      if (parts[i].front() == '"') words.emplace(parts[i]);
  }
  return {words.begin(), words.end()};
}

std::string Dictionary() {
  std::string text = "# Generated from the attribute tables, the options and the topology keys.\n";
  for (const std::string& word : DictionaryWords()) {
    absl::StrAppend(&text, "\"");
    for (const char c : word) {
      if (c == '"' || c == '\\')
        absl::StrAppend(&text, "\\", std::string(1, c));
      else if (absl::ascii_isprint(static_cast<unsigned char>(c)))
        text += c;
      else
        absl::StrAppendFormat(&text, "\\x%02X", static_cast<unsigned char>(c));
    }
    absl::StrAppend(&text, "\"\n");
  }
  return text;
}

}  // namespace nvdimmfs::tools
