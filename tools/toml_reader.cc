#include "tools/toml_reader.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

constexpr size_t kMaxFile = 1 << 20;  // bytes

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return core::Refusal(errno, "toml.open", absl::StrCat("open ", path, ": ", strerror(errno)));
  std::string text(kMaxFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof()))
    return core::Refusal(EIO, "toml.open", absl::StrCat("read ", path, ": ", strerror(EIO)));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxFile)
    return core::Refusal(E2BIG, "toml.size",
                         absl::StrCat(path, ": more than ", kMaxFile,
                                      " bytes; is this an image that is called .toml?"));
  return text;
}

std::string At(const std::string& path, const toml::source_region& source) {
  return absl::StrCat(path, ":", source.begin.line, ":", source.begin.column, ": ");
}

std::string_view View(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct TomlReader::File {
  std::string path;
  toml::table top;
  absl::Status first;
};

struct TomlReader::Table {
  std::shared_ptr<File> file;
  const toml::table* values;
  std::string name;  // "bus.dimm"; empty for the top
  std::vector<std::string> asked;

  const toml::node* Find(absl::string_view key) {
    asked.push_back(std::string(key));
    return file->first.ok() ? values->get(View(key)) : nullptr;
  }
};

TomlReader::TomlReader(std::unique_ptr<Table> table) : table_(std::move(table)) {}
TomlReader::TomlReader(TomlReader&&) noexcept = default;
TomlReader& TomlReader::operator=(TomlReader&&) noexcept = default;
TomlReader::~TomlReader() = default;

absl::StatusOr<TomlReader> TomlReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const std::string_view why = parsed.error().description();
    return core::Refusal(
        EINVAL, "toml.syntax",
        absl::StrCat(At(path, parsed.error().source()), absl::string_view(why.data(), why.size())));
  }
  auto file = std::make_shared<File>(File{path, std::move(parsed).table(), absl::OkStatus()});
  const toml::table* top = &file->top;
  return TomlReader(std::make_unique<Table>(Table{std::move(file), top, "", {}}));
}

bool TomlReader::Has(absl::string_view key) { return table_->Find(key) != nullptr; }

std::optional<std::string> TomlReader::Text(absl::string_view key) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  std::optional<std::string> text = node->value_exact<std::string>();
  const bool fits = text && !text->empty() && text->find('\n') == std::string::npos &&
                    text->find('\0') == std::string::npos;
  if (fits) return text;
  Refuse(key, "needs a text of one line in quotes");
  return std::nullopt;
}

std::optional<bool> TomlReader::Flag(absl::string_view key) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  const std::optional<bool> flag = node->value_exact<bool>();
  if (!flag) Refuse(key, "needs true or false");
  return flag;
}

std::optional<int64_t> TomlReader::Number(absl::string_view key, int64_t least, int64_t most) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  const std::optional<int64_t> number = node->value_exact<int64_t>();
  if (number && *number >= least && *number <= most) return number;
  Refuse(key, absl::StrCat("needs a whole number from ", least, " to ", most));
  return std::nullopt;
}

std::optional<uint64_t> TomlReader::Size(absl::string_view key) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto number = node->value_exact<int64_t>(); number && *number >= 0)
    return static_cast<uint64_t>(*number);
  if (const auto text = node->value_exact<std::string>()) {
    const auto size = core::ParseSize(*text);
    if (size.ok()) return *size;
  }
  Refuse(key, "needs a number of bytes, or a text such as \"64M\" (K, M, G, T)");
  return std::nullopt;
}

std::vector<std::string> TomlReader::Texts(absl::string_view key) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return {};
  std::vector<std::string> texts;
  const toml::array* array = node->as_array();
  if (array != nullptr)
    for (const toml::node& element : *array)
      if (const auto text = element.value_exact<std::string>()) texts.push_back(*text);
  if (array != nullptr && texts.size() == array->size() && !texts.empty()) return texts;
  Refuse(key, "needs a list of texts, such as [\"a\", \"b\"]");
  return {};
}

std::vector<TomlReader> TomlReader::Tables(absl::string_view key) {
  const toml::node* node = table_->Find(key);
  if (node == nullptr) return {};
  std::vector<TomlReader> tables;
  const toml::array* array = node->as_array();
  const std::string name =
      table_->name.empty() ? std::string(key) : absl::StrCat(table_->name, ".", key);
  if (array != nullptr)
    for (const toml::node& element : *array)
      if (const toml::table* values = element.as_table())
        tables.push_back(
            TomlReader(std::make_unique<Table>(Table{table_->file, values, name, {}})));
  if (array != nullptr && tables.size() == array->size()) return tables;
  Refuse(key, absl::StrCat("needs tables: [[", name, "]], or a list of { ... }"));
  return {};
}

void TomlReader::Refuse(absl::string_view key, absl::string_view why) {
  Refuse(key, core::Refusal(EINVAL, "toml.value", why));
}

void TomlReader::Refuse(absl::string_view key, const absl::Status& why) {
  if (!table_->file->first.ok()) return;
  const toml::node* node = table_->values->get(View(key));
  const toml::source_region& source = node == nullptr ? table_->values->source() : node->source();
  std::string subject;
  if (!key.empty()) subject = absl::StrCat(key, ": ");
  table_->file->first =
      core::Refusal(core::ErrnoOf(why), core::ReasonOf(why),
                    absl::StrCat(At(table_->file->path, source), subject, why.message()));
}

absl::Status TomlReader::Finish() {
  for (const auto& [key, value] : *table_->values) {
    const absl::string_view name(key.str().data(), key.str().size());
    const auto& asked = table_->asked;
    if (std::find(asked.begin(), asked.end(), name) != asked.end() || !status().ok()) continue;
    const std::string place =
        table_->name.empty() ? "the top of the file" : absl::StrCat("[[", table_->name, "]]");
    std::vector<std::string> known = asked;
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    table_->file->first =
        core::Refusal(EINVAL, "toml.key",
                      absl::StrCat(At(table_->file->path, key.source()), "unknown key \"", name,
                                   "\"; ", place, " takes ", absl::StrJoin(known, ", ")));
  }
  return status();
}

absl::Status TomlReader::status() const { return table_->file->first; }

}  // namespace nvdimmfs::tools
