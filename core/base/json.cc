// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/utf8.h"

namespace nvdimmfs::core {
namespace {

// The shortest text that parses as the same number, always with a fraction or exponent.
std::string TextOf(double number) {
  std::array<char, 32> room;
  const auto written = std::to_chars(room.data(), room.data() + room.size(), number);
  std::string text(room.data(), written.ptr);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string Quoted(absl::string_view text) {
  static constexpr absl::string_view kNamed = "\b\f\n\r\t\"\\", kLetters = "bfnrt\"\\";
  std::string quoted = "\"";
  while (!text.empty()) {
    const Utf8Character next = FirstCharacter(text);
    const absl::string_view bytes = text.substr(0, std::max<size_t>(next.length, 1));
    const size_t named = kNamed.find(bytes[0]);
    if (next.length == 0)
      quoted += "\xef\xbf\xbd";  // U+FFFD
    else if (named != kNamed.npos)
      quoted.append({'\\', kLetters[named]});
    else if (next.code < 0x20)
      absl::StrAppend(&quoted, "\\u", absl::Hex(next.code, absl::kZeroPad4));
    else
      absl::StrAppend(&quoted, bytes);
    text.remove_prefix(bytes.size());
  }
  return quoted + "\"";
}

}  // namespace

// Writes values of any type, nested in each other.
class Json::Writer {
 public:
  explicit Writer(bool on_one_line) : on_one_line_(on_one_line) {}

  std::string Take() { return std::move(out_); }

  void operator()(std::monostate) { out_ += "null"; }
  void operator()(bool value) { out_ += value ? "true" : "false"; }
  void operator()(int64_t number) { absl::StrAppend(&out_, number); }
  void operator()(uint64_t number) { absl::StrAppend(&out_, number); }
  void operator()(double number) { out_ += TextOf(number); }
  void operator()(const std::string& text) { out_ += Quoted(text); }

  void operator()(const Array& array) {
    if (array.empty()) return void(out_ += "[]");
    out_ += '[';
    ++depth_;
    for (const Json& value : array) {
      BeginItem(&value == &array.front());
      std::visit(*this, value.value_);
    }
    End(']');
  }

  void operator()(const Object& object) {
    if (object.empty()) return void(out_ += "{}");
    out_ += '{';
    ++depth_;
    for (const Member& member : object) {
      BeginItem(&member == &object.front());
      absl::StrAppend(&out_, Quoted(member.key), on_one_line_ ? ":" : ": ");
      std::visit(*this, member.value.value_);
    }
    End('}');
  }

 private:
  void BreakLine() {
    if (!on_one_line_) absl::StrAppend(&out_, "\n", std::string(2 * depth_, ' '));
  }
  void BeginItem(bool is_first) {
    if (!is_first) out_ += ',';
    BreakLine();
  }
  void End(char bracket) {
    --depth_;
    BreakLine();
    out_ += bracket;
  }

  const bool on_one_line_;
  size_t depth_ = 0;
  std::string out_;
};

Json::Json() = default;
Json::Json(bool value) : value_(value) {}
Json::Json(Integer integer) {
  if (integer.number < 0)
    value_ = integer.number;
  else
    value_ = static_cast<uint64_t>(integer.number);
}
Json::Json(Natural natural) : value_(natural.number) {}
Json::Json(double number) : value_(number) {}
Json::Json(std::string text) : value_(std::move(text)) {}
Json::Json(absl::string_view text) : value_(std::string(text)) {}
Json::Json(const char* text) : value_(std::string(text)) {}

Json::Json(std::initializer_list<Field> fields) : value_(Object()) {
  Object& object = std::get<Object>(value_);
  object.reserve(fields.size());
  for (const Field& field : fields)
    object.push_back({std::string(field.key), std::move(field.value)});
}

Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) {
  return *this = Json(other);
}  // `other` may be an element of this
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

Json Json::EmptyArray() {
  Json array;
  array.value_ = Array();
  return array;
}

Json Json::EmptyObject() { return Json(std::initializer_list<Field>()); }

bool Json::is_null() const { return std::holds_alternative<std::monostate>(value_); }
bool Json::is_array() const { return std::holds_alternative<Array>(value_); }
bool Json::is_object() const { return std::holds_alternative<Object>(value_); }

std::optional<bool> Json::boolean() const {
  const bool* const value = std::get_if<bool>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<uint64_t> Json::natural() const {
  const uint64_t* const number = std::get_if<uint64_t>(&value_);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<int64_t> Json::integer() const {
  if (const int64_t* const number = std::get_if<int64_t>(&value_)) return *number;
  const std::optional<uint64_t> number = natural();
  if (!number || *number > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<int64_t>(*number);
}

const std::string* Json::text() const { return std::get_if<std::string>(&value_); }

const Json::Array& Json::array() const {
  static const Array& none = *new Array();
  const Array* const array = std::get_if<Array>(&value_);
  return array == nullptr ? none : *array;
}

const Json::Object& Json::object() const {
  static const Object& none = *new Object();
  const Object* const object = std::get_if<Object>(&value_);
  return object == nullptr ? none : *object;
}

const Json* Json::Find(absl::string_view key) const {
  for (const Member& member : object())
    if (member.key == key) return &member.value;
  return nullptr;
}

size_t Json::size() const { return array().size() + object().size(); }

void Json::push_back(Json value) {
  if (is_null()) value_ = Array();
  std::get<Array>(value_).push_back(std::move(value));
}

Json& Json::operator[](absl::string_view key) {
  if (is_null()) value_ = Object();
  Object& members = std::get<Object>(value_);
  for (Member& member : members)
    if (member.key == key) return member.value;
  members.push_back({std::string(key), Json()});
  return members.back().value;
}

std::string Json::Line() const {
  Writer writer(/*on_one_line=*/true);
  std::visit(writer, value_);
  return writer.Take();
}

std::string Json::Indented() const {
  Writer writer(/*on_one_line=*/false);
  std::visit(writer, value_);
  return writer.Take();
}

}  // namespace nvdimmfs::core
