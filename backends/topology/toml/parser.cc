// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/toml/parser.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "backends/topology/toml/cursor.h"
#include "backends/topology/toml/scalar.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::toml {
namespace {

// A key's words: a.b.c has three.
struct KeyWord {
  std::string text;
  Place place;
};
using Key = std::vector<KeyWord>;

bool IsBareKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : cursor_(text) {}

  absl::StatusOr<std::unique_ptr<Table>> Run();

 private:
  absl::Status ReadLine();
  absl::Status ReadHeader();
  absl::Status ReadAssignment(Table& table, size_t depth);
  absl::StatusOr<Key> ReadKey();
  absl::StatusOr<Value> ReadValue(size_t depth);
  absl::StatusOr<Value> ReadArray(size_t depth);
  absl::StatusOr<Value> ReadInlineTable(size_t depth);

  absl::StatusOr<Table*> TableAbove(const Key& header);
  absl::StatusOr<Table*> MakeHeaderTable(Table& above, const KeyWord& name, Place place);
  absl::StatusOr<Table*> AddHeaderTable(Table& above, const KeyWord& name, Place place);

  Cursor cursor_;
  std::unique_ptr<Table> top_ = std::make_unique<Table>();
  Table* section_ = top_.get();  // the table of the last header
  size_t section_depth_ = 0;     // at most
};

absl::Status Refuse(const KeyWord& word, absl::string_view why) {
  return Cursor::Refuse(word.place, absl::StrCat("\"", word.text, "\" ", why));
}

absl::Status TooDeep(const Cursor& cursor) {
  return cursor.Refuse(absl::StrCat("more than ", kMaxDepth, " nested tables and lists"));
}

Value NewTable(Table::Origin origin, Place place) {
  auto table = std::make_unique<Table>();
  table->origin = origin;
  table->place = place;
  return {std::move(table), place};
}

Table* TableOf(Value& value) {
  auto* owned = std::get_if<std::unique_ptr<Table>>(&value.data);
  return owned == nullptr ? nullptr : owned->get();
}

absl::StatusOr<std::unique_ptr<Table>> Parser::Run() {
  cursor_.Take("\xef\xbb\xbf");  // a byte order mark
  while (!cursor_.at_end()) {
    RETURN_IF_ERROR(ReadLine());
    cursor_.SkipBlanks();
    cursor_.SkipComment();
    if (!cursor_.at_end() && !cursor_.TakeLineEnd())
      return cursor_.Refuse("expected the end of the line");
  }
  return std::move(top_);
}

absl::Status Parser::ReadLine() {
  cursor_.SkipBlanks();
  if (cursor_.AtLineEnd() || cursor_.next() == '#') return absl::OkStatus();
  return cursor_.next() == '[' ? ReadHeader() : ReadAssignment(*section_, section_depth_);
}

absl::StatusOr<Key> Parser::ReadKey() {
  Key key;
  do {
    if (key.size() == kMaxDepth) return TooDeep(cursor_);
    cursor_.SkipBlanks();
    KeyWord word{.text = "", .place = cursor_.place()};
    if (cursor_.next() == '"' || cursor_.next() == '\'') {
      ASSIGN_OR_RETURN(word.text, ReadText(cursor_, /*lines=*/false));
    } else {
      const absl::string_view rest = cursor_.rest();
      size_t length = 0;
      while (length < rest.size() && IsBareKeyCharacter(rest[length])) ++length;
      if (length == 0)
        return cursor_.Refuse("expected a key: letters, digits, _ and -, or a quoted string");
      word.text = std::string(rest.substr(0, length));
      cursor_.Advance(length);
    }
    key.push_back(std::move(word));
    cursor_.SkipBlanks();
  } while (cursor_.Take("."));
  return key;
}

// The table that the last word of a header is in.
absl::StatusOr<Table*> Parser::TableAbove(const Key& header) {
  Table* at = top_.get();
  for (size_t i = 0; i + 1 < header.size(); ++i) {
    const auto [found, added] =
        at->entries.try_emplace(header[i].text, Entry{.key = header[i].place, .value = {}});
    Value& value = found->second.value;
    if (added) value = NewTable(Table::Origin::kAbove, header[i].place);
    auto* array = std::get_if<Array>(&value.data);
    Table* next =
        array != nullptr && array->of_headers ? TableOf(array->values.back()) : TableOf(value);
    if (next == nullptr) return Refuse(header[i], "already has a value, which is not a table");
    if (next->origin == Table::Origin::kInline)
      return Refuse(header[i], "is complete in its { ... }; it cannot be extended");
    at = next;
  }
  return at;
}

// [name]
absl::StatusOr<Table*> Parser::MakeHeaderTable(Table& above, const KeyWord& name, Place place) {
  const auto [found, added] =
      above.entries.try_emplace(name.text, Entry{.key = name.place, .value = {}});
  Value& value = found->second.value;
  if (added) {
    value = NewTable(Table::Origin::kHeader, place);
    return TableOf(value);
  }
  Table* table = TableOf(value);
  if (table == nullptr || table->origin != Table::Origin::kAbove)
    return Refuse(name, "is already defined");
  table->origin = Table::Origin::kHeader;
  table->place = value.place = place;
  return table;
}

// [[name]]
absl::StatusOr<Table*> Parser::AddHeaderTable(Table& above, const KeyWord& name, Place place) {
  const auto [found, added] =
      above.entries.try_emplace(name.text, Entry{.key = name.place, .value = {}});
  Value& value = found->second.value;
  if (added) value = {Array{.values = {}, .of_headers = true}, place};
  auto* array = std::get_if<Array>(&value.data);
  if (array == nullptr || !array->of_headers)
    return Refuse(name, "is already defined, and is not a list of tables made with [[...]]");
  array->values.push_back(NewTable(Table::Origin::kHeader, place));
  return TableOf(array->values.back());
}

absl::Status Parser::ReadHeader() {
  const Place place = cursor_.place();
  const bool list = cursor_.Take("[[");
  if (!list) cursor_.Take("[");
  ASSIGN_OR_RETURN(const Key header, ReadKey());
  if (!cursor_.Take(list ? "]]" : "]"))
    return cursor_.Refuse(list ? "expected ]] at the end of the header"
                               : "expected ] at the end of the header");
  ASSIGN_OR_RETURN(Table* const above, TableAbove(header));
  ASSIGN_OR_RETURN(section_, list ? AddHeaderTable(*above, header.back(), place)
                                  : MakeHeaderTable(*above, header.back(), place));
  section_depth_ = header.size();
  return absl::OkStatus();
}

// key = value
absl::Status Parser::ReadAssignment(Table& table, size_t depth) {
  ASSIGN_OR_RETURN(const Key key, ReadKey());
  if (!cursor_.Take("="))
    return cursor_.Refuse(absl::StrCat("expected = after the key ", key.back().text));
  cursor_.SkipBlanks();
  Table* at = &table;
  for (size_t i = 0; i + 1 < key.size(); ++i) {
    const auto [found, added] =
        at->entries.try_emplace(key[i].text, Entry{.key = key[i].place, .value = {}});
    Value& value = found->second.value;
    if (added) value = NewTable(Table::Origin::kDotted, key[i].place);
    at = TableOf(value);
    if (at == nullptr || at->origin != Table::Origin::kDotted)
      return Refuse(key[i], "is already defined; a dotted key cannot add to it");
  }
  ASSIGN_OR_RETURN(Value value, ReadValue(depth + key.size()));
  Entry entry{.key = key.back().place, .value = std::move(value)};
  if (!at->entries.try_emplace(key.back().text, std::move(entry)).second)
    return Refuse(key.back(), "is already defined");
  return absl::OkStatus();
}

absl::StatusOr<Value> Parser::ReadValue(size_t depth) {
  if (depth > kMaxDepth) return TooDeep(cursor_);
  switch (cursor_.next()) {
    case '"':
    case '\'': {
      const Place place = cursor_.place();
      ASSIGN_OR_RETURN(std::string text, ReadText(cursor_, /*lines=*/true));
      return Value{std::move(text), place};
    }
    case '[':
      return ReadArray(depth);
    case '{':
      return ReadInlineTable(depth);
    default:
      return ReadWord(cursor_);
  }
}

absl::StatusOr<Value> Parser::ReadArray(size_t depth) {
  Value value{Array{}, cursor_.place()};
  std::vector<Value>& values = std::get<Array>(value.data).values;
  cursor_.Take("[");
  cursor_.SkipBlanksCommentsAndLines();
  while (!cursor_.Take("]")) {
    ASSIGN_OR_RETURN(Value element, ReadValue(depth + 1));
    values.push_back(std::move(element));
    cursor_.SkipBlanksCommentsAndLines();
    const bool more = cursor_.Take(",");
    cursor_.SkipBlanksCommentsAndLines();
    if (!more && cursor_.next() != ']') return cursor_.Refuse("expected , or ] in the list");
  }
  return value;
}

absl::StatusOr<Value> Parser::ReadInlineTable(size_t depth) {
  Value value = NewTable(Table::Origin::kInline, cursor_.place());
  cursor_.Take("{");
  cursor_.SkipBlanks();
  if (cursor_.Take("}")) return value;
  do {
    RETURN_IF_ERROR(ReadAssignment(*TableOf(value), depth));
    cursor_.SkipBlanks();
  } while (cursor_.Take(","));
  if (!cursor_.Take("}")) return cursor_.Refuse("expected , or } in the table");
  return value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Table>> Parse(absl::string_view text) {
  RETURN_IF_ERROR(CheckCharacters(text));
  return Parser(text).Run();
}

}  // namespace nvdimmfs::backends::toml
