// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/toml_reader.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/posix/file.h"
#include "backends/topology/toml/parser.h"
#include "backends/topology/toml/value.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr size_t kMaxFile = 1 << 20;  // bytes

absl::StatusOr<std::string> ReadText(const std::string& path) {
  absl::StatusOr<std::string> text = posix::ReadFile(path, kMaxFile + 1);
  if (!text.ok())
    return core::Refusal(core::ErrnoOf(text.status()), "toml.open", text.status().message());
  if (text->size() > kMaxFile)
    return core::Refusal(E2BIG, "toml.size",
                         absl::StrCat(path, ": more than ", kMaxFile,
                                      " bytes; is this an image that is called .toml?"));
  return text;
}

std::string At(const std::string& path, toml::Place place) {
  return absl::StrCat(path, ":", place.line, ":", place.column, ": ");
}

// Nothing if the value has another type.
template <typename T>
std::optional<T> As(const toml::Value& value) {
  const T* held = std::get_if<T>(&value.data);
  return held == nullptr ? std::nullopt : std::optional<T>(*held);
}

}  // namespace

struct TomlReader::File {
  std::string path;
  std::unique_ptr<toml::Table> top;
  absl::Status first;
};

struct TomlReader::Table {
  std::shared_ptr<File> file;
  const toml::Table* values;
  std::string name;  // "bus.dimm"; empty for the top
  std::vector<std::string> asked;

  const toml::Value* Find(absl::string_view key) {
    asked.push_back(std::string(key));
    return file->first.ok() ? Peek(key) : nullptr;
  }
  const toml::Value* Peek(absl::string_view key) const {
    const auto found = values->entries.find(std::string(key));
    return found == values->entries.end() ? nullptr : &found->second.value;
  }
};

TomlReader::TomlReader(std::unique_ptr<Table> table) : table_(std::move(table)) {}
TomlReader::TomlReader(TomlReader&&) noexcept = default;
TomlReader& TomlReader::operator=(TomlReader&&) noexcept = default;
TomlReader::~TomlReader() = default;

absl::StatusOr<TomlReader> TomlReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  return Parse(text, path);
}

absl::StatusOr<TomlReader> TomlReader::Parse(absl::string_view text, const std::string& path) {
  absl::StatusOr<std::unique_ptr<toml::Table>> parsed = toml::Parse(text);
  if (!parsed.ok())
    return core::Refusal(core::ErrnoOf(parsed.status()), core::ReasonOf(parsed.status()),
                         absl::StrCat(path, ":", parsed.status().message()));
  auto file = std::make_shared<File>(File{path, *std::move(parsed), absl::OkStatus()});
  const toml::Table* top = file->top.get();
  return TomlReader(std::make_unique<Table>(Table{std::move(file), top, "", {}}));
}

bool TomlReader::Has(absl::string_view key) { return table_->Find(key) != nullptr; }

std::optional<std::string> TomlReader::Text(absl::string_view key) {
  const toml::Value* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  std::optional<std::string> text = As<std::string>(*node);
  const bool fits = text && !text->empty() && text->find('\n') == std::string::npos &&
                    text->find('\0') == std::string::npos;
  if (fits) return text;
  Refuse(key, "needs a quoted string of one line");
  return std::nullopt;
}

std::optional<bool> TomlReader::Flag(absl::string_view key) {
  const toml::Value* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  const std::optional<bool> flag = As<bool>(*node);
  if (!flag) Refuse(key, "needs true or false");
  return flag;
}

std::optional<int64_t> TomlReader::Number(absl::string_view key, int64_t least, int64_t most) {
  const toml::Value* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  const std::optional<int64_t> number = As<int64_t>(*node);
  if (number && *number >= least && *number <= most) return number;
  Refuse(key, absl::StrCat("needs an integer from ", least, " to ", most));
  return std::nullopt;
}

std::optional<uint64_t> TomlReader::Size(absl::string_view key) {
  const toml::Value* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto number = As<int64_t>(*node); number && *number >= 0)
    return static_cast<uint64_t>(*number);
  if (const auto text = As<std::string>(*node)) {
    const auto size = core::ParseSize(*text);
    if (size.ok()) return *size;
  }
  Refuse(key, "needs a number of bytes, or a string such as \"64M\" (K, M, G, T)");
  return std::nullopt;
}

std::vector<std::string> TomlReader::Texts(absl::string_view key) {
  const toml::Value* node = table_->Find(key);
  if (node == nullptr) return {};
  std::vector<std::string> texts;
  const toml::Array* array = node->array();
  if (array != nullptr)
    for (const toml::Value& element : array->values)
      if (const auto text = As<std::string>(element)) texts.push_back(*text);
  if (array != nullptr && texts.size() == array->values.size() && !texts.empty()) return texts;
  Refuse(key, "needs a list of strings, such as [\"a\", \"b\"]");
  return {};
}

std::vector<TomlReader> TomlReader::Tables(absl::string_view key) {
  const toml::Value* node = table_->Find(key);
  if (node == nullptr) return {};
  std::vector<TomlReader> tables;
  const toml::Array* array = node->array();
  const std::string name =
      table_->name.empty() ? std::string(key) : absl::StrCat(table_->name, ".", key);
  if (array != nullptr)
    for (const toml::Value& element : array->values)
      if (const toml::Table* values = element.table())
        tables.push_back(
            TomlReader(std::make_unique<Table>(Table{table_->file, values, name, {}})));
  if (array != nullptr && tables.size() == array->values.size()) return tables;
  Refuse(key, absl::StrCat("needs tables: [[", name, "]], or a list of { ... }"));
  return {};
}

void TomlReader::Refuse(absl::string_view key, absl::string_view why) {
  Refuse(key, core::Refusal(EINVAL, "toml.value", why));
}

void TomlReader::Refuse(absl::string_view key, const absl::Status& why) {
  if (!table_->file->first.ok()) return;
  const toml::Value* node = table_->Peek(key);
  const toml::Place place = node == nullptr ? table_->values->place : node->place;
  std::string subject;
  if (!key.empty()) subject = absl::StrCat(key, ": ");
  table_->file->first =
      core::Refusal(core::ErrnoOf(why), core::ReasonOf(why),
                    absl::StrCat(At(table_->file->path, place), subject, why.message()));
}

absl::Status TomlReader::Finish() {
  for (const auto& [name, entry] : table_->values->entries) {
    const auto& asked = table_->asked;
    if (std::find(asked.begin(), asked.end(), name) != asked.end() || !status().ok()) continue;
    const std::string place =
        table_->name.empty() ? "the top of the file" : absl::StrCat("[[", table_->name, "]]");
    std::vector<std::string> known = asked;
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    table_->file->first =
        core::Refusal(EINVAL, "toml.key",
                      absl::StrCat(At(table_->file->path, entry.key), "unknown key \"", name,
                                   "\"; ", place, " takes ", absl::StrJoin(known, ", ")));
  }
  return status();
}

absl::Status TomlReader::status() const { return table_->file->first; }

}  // namespace nvdimmfs::backends
