// SPDX-License-Identifier: Apache-2.0
// A TOML document as values, each with its position in the text.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOML_VALUE_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOML_VALUE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace nvdimmfs::backends::toml {

// From 1; columns count characters.
struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
};

struct Value;
struct Table;

struct Array {
  std::vector<Value> values;
  bool of_headers = false;  // made by [[name]], which may add to it
};

// Floats and dates are left out: no key of a topology takes one.
struct Value {
  std::variant<bool, int64_t, std::string, Array, std::unique_ptr<Table>> data;
  Place place;

  // Null if it has another type.
  const Table* table() const {
    const auto* owned = std::get_if<std::unique_ptr<Table>>(&data);
    return owned == nullptr ? nullptr : owned->get();
  }
  const Array* array() const { return std::get_if<Array>(&data); }
};

struct Entry {
  Place key;
  Value value;
};

struct Table {
  // How it was created determines what may add to it.
  enum class Origin {
    kAbove,   // a header names something inside it; its own header may follow
    kHeader,  // [name] or [[name]]
    kDotted,  // a.b = 1 makes a
    kInline,  // { ... }: complete, nothing can be added
  };
  Origin origin = Origin::kHeader;
  Place place;
  std::map<std::string, Entry, std::less<>> entries;
};

}  // namespace nvdimmfs::backends::toml

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOML_VALUE_H_
