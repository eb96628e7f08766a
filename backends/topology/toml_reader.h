// SPDX-License-Identifier: Apache-2.0
// Reads the tables of a TOML file: typed values, and refusals that name the file, line and column.
//
// The first refusal is kept and everything after it reads as if it were absent, so that a caller
// asks for all keys of a table in a row and looks at the outcome once, at Finish. Keys that nobody
// asked for are refused there, with the list of those that were.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOML_READER_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOML_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::backends {

class TomlReader {
 public:
  // Reads and parses the file; this is its top table. Refused with the errno of open(2) and
  // "toml.open", EINVAL and "toml.syntax", or E2BIG and "toml.size" above 1 MiB.
  static absl::StatusOr<TomlReader> Open(const std::string& path);
  // The same for a text that is said to be the file at `path`.
  static absl::StatusOr<TomlReader> Parse(absl::string_view text, const std::string& path);

  TomlReader(TomlReader&&) noexcept;
  TomlReader& operator=(TomlReader&&) noexcept;
  ~TomlReader();

  bool Has(absl::string_view key);
  std::optional<std::string> Text(absl::string_view key);  // one line, not empty
  std::optional<bool> Flag(absl::string_view key);
  // A whole number from `least` to `most`.
  std::optional<int64_t> Number(absl::string_view key, int64_t least, int64_t most);
  // A whole number of bytes, or a text like "64M".
  std::optional<uint64_t> Size(absl::string_view key);
  std::vector<std::string> Texts(absl::string_view key);
  // The tables of an array of tables; [[name]] or inline.
  std::vector<TomlReader> Tables(absl::string_view key);

  // Says that the value of `key` is no good (or of the table, where the key is empty or absent), as
  // the first refusal. EINVAL, "toml.value".
  void Refuse(absl::string_view key, absl::string_view why);
  // The same for something that was refused elsewhere: its errno and reason are kept.
  void Refuse(absl::string_view key, const absl::Status& why);

  // The first refusal of the whole file so far, or that of a key that nobody asked for
  // ("toml.key").
  absl::Status Finish();
  absl::Status status() const;

 private:
  struct File;
  struct Table;
  explicit TomlReader(std::unique_ptr<Table> table);

  std::unique_ptr<Table> table_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOML_READER_H_
