// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/json_text.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "nlohmann/json.hpp"

namespace nvdimmfs::volumes {
namespace {

// How deeply its brackets are nested, without those in strings.
size_t DepthOf(absl::string_view text) {
  size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '[')) {
      deepest = std::max(deepest, ++depth);
    } else if (!in_string && (c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

// Builds the value from the library's parser events.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  core::Json Take() { return std::move(value_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t number) override { return Add(number); }
  bool number_unsigned(number_unsigned_t number) override { return Add(number); }
  bool number_float(number_float_t number, const string_t&) override { return Add(number); }
  bool string(string_t& text) override { return Add(std::move(text)); }
  bool binary(binary_t&) override { return false; }  // not in a text
  bool start_object(std::size_t) override { return Open(core::Json::EmptyObject()); }
  bool start_array(std::size_t) override { return Open(core::Json::EmptyArray()); }
  bool key(string_t& key) override {
    open_.back().key = std::move(key);
    return true;
  }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  struct Container {
    core::Json value;
    std::string key;  // of the next member
  };

  bool Add(core::Json value) {
    if (open_.empty())
      value_ = std::move(value);
    else if (open_.back().value.is_array())
      open_.back().value.push_back(std::move(value));
    else
      open_.back().value[open_.back().key] = std::move(value);
    return true;
  }
  bool Open(core::Json value) {
    open_.push_back({std::move(value), ""});
    return true;
  }
  bool Close() {
    core::Json value = std::move(open_.back().value);
    open_.pop_back();
    return Add(std::move(value));
  }

  core::Json value_;
  std::vector<Container> open_;  // from the outermost to the innermost
};

}  // namespace

absl::StatusOr<core::Json> ParseJson(absl::string_view text) {
  if (DepthOf(text) > kDeepestJson)
    return core::Refusal(EINVAL, "json.depth",
                         absl::StrCat("the JSON text nests objects and arrays deeper than ",
                                      kDeepestJson, " levels"));
  Builder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder))
    return core::Refusal(EINVAL, "json.syntax", "the text is not valid JSON");
  return builder.Take();
}

}  // namespace nvdimmfs::volumes
