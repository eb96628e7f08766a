// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/dictionary.h"

#include <array>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "backends/nfit/nfit_format.h"
#include "backends/topology/topology_keys.h"
#include "btt/btt_format.h"
#include "core/base/uuid.h"
#include "core/info_blocks/info_block_format.h"
#include "core/labels/label_format.h"
#include "core/system/tree_reference.h"
#include "tools/option_list.h"

namespace nvdimmfs::tools {
namespace {

constexpr size_t kLongestWord = 64;  // libFuzzer's

// The words of a grammar that are written as they stand: in small letters, or numbers.
void AddWords(absl::string_view text, std::set<std::string>& words) {
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" |[];:,.="), absl::SkipEmpty()))
    if (!absl::ascii_isupper(word.front())) words.emplace(word);
}

std::string TextOf(const core::Uuid::Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

// As text, and as labels and tables hold it.
void AddGuid(const core::Uuid& guid, std::set<std::string>& words) {
  words.emplace(guid.ToString());
  words.emplace(TextOf(guid.bytes()));
  words.emplace(TextOf(guid.guid_order()));
}

// What structures on media and tables are recognised by.
void AddFormats(std::set<std::string>& words) {
  for (const std::array<char, 16>& signature :
       {core::kIndexSignature, core::kPfnSignature, core::kDaxSignature, btt::kSignature})
    words.emplace(signature.begin(), signature.end());
  words.emplace(backends::kNfitSignature);
  for (const core::Uuid& guid :
       {core::kBttGuid, core::kBtt2Guid, core::kPfnGuid, core::kDaxGuid, core::kPmemRangeGuid,
        core::kCxlRegionLabelType, core::kCxlNamespaceLabelType})
    AddGuid(guid, words);
  for (const absl::string_view guid :
       {backends::kVolatileMemory, backends::kControlRegionRange, backends::kBlockDataWindow,
        backends::kVolatileDisk, backends::kPersistentDisk})
    AddGuid(core::Uuid::Parse(guid).value(), words);
}

}  // namespace

std::vector<std::string> DictionaryWords() {
  std::set<std::string> words;
  AddFormats(words);
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
  std::string text =
      "# Generated from the attribute tables, the options, the topology keys and the formats.\n";
  for (const std::string& word : DictionaryWords()) {
    if (word.size() > kLongestWord) continue;
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
