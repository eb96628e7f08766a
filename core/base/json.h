// SPDX-License-Identifier: Apache-2.0
// A JSON value, and its text. Small on purpose: a header-only library takes seconds in each file
// that includes it.
//
// Thread rules: a plain value.
#ifndef NVDIMMFS_CORE_BASE_JSON_H_
#define NVDIMMFS_CORE_BASE_JSON_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class Json {
 public:
  struct Field;   // of an initialiser: {{"dev", name}, {"size", bytes}}
  struct Member;  // of an object
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  // in the order in which members were added

  // NOLINTBEGIN(google-explicit-constructor): every value is one of JSON
  Json();  // null
  Json(std::nullptr_t) : Json() {}
  Json(bool value);
  Json(std::signed_integral auto number) : Json(Integer{number}) {}
  Json(std::unsigned_integral auto number) : Json(Natural{number}) {}
  Json(double number);
  Json(std::string text);
  Json(absl::string_view text);
  Json(const char* text);
  Json(std::initializer_list<Field> fields);
  // NOLINTEND(google-explicit-constructor)

  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  static Json EmptyArray();
  static Json EmptyObject();
  // From any range whose elements are values.
  template <typename Values>
  static Json ArrayOf(const Values& values) {
    Json array = EmptyArray();
    for (const auto& value : values) array.push_back(value);
    return array;
  }
  // From a map.
  template <typename Map>
  static Json ObjectOf(const Map& map) {
    Json object = EmptyObject();
    for (const auto& [key, value] : map) object[key] = value;
    return object;
  }

  bool is_null() const;
  bool is_array() const;
  bool is_object() const;
  // Nothing if the value has another type. A number with a fraction or an exponent is neither
  // natural nor integer.
  std::optional<bool> boolean() const;
  std::optional<uint64_t> natural() const;
  std::optional<int64_t> integer() const;
  // Null unless it is a string.
  const std::string* text() const;
  // Empty unless it is an array.
  const Array& array() const;
  // Empty unless it is an object.
  const Object& object() const;
  // Null if this is not an object, or has no such member.
  const Json* Find(absl::string_view key) const;

  // Elements or members.
  size_t size() const;
  bool empty() const { return size() == 0; }

  // Turns null into an array. The value must be null or an array.
  void push_back(Json value);
  // Finds or adds the member. Turns null into an object. The value must be null or an object.
  Json& operator[](absl::string_view key);

  // The text on one line, or indented by two blanks per level. Always UTF-8: each byte of a string
  // that is not valid UTF-8 becomes U+FFFD.
  std::string Line() const;
  std::string Indented() const;

 private:
  class Writer;
  struct Integer {
    int64_t number;
  };
  struct Natural {
    uint64_t number;
  };
  explicit Json(Integer integer);
  explicit Json(Natural natural);

  // Below 0 as int64_t, otherwise as uint64_t.
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

struct Json::Field {
  absl::string_view key;
  mutable Json value;  // initialiser lists are constant; this is moved out of them
};

struct Json::Member {
  std::string key;
  Json value;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_JSON_H_
