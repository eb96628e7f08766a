// SPDX-License-Identifier: Apache-2.0
// Reads the tables of a TOML file: typed values, and refusals that name the file, line and column.
//
// The first refusal is kept and everything after it reads as if it were absent, so that a caller
// asks for all keys of a table in a row and checks the result once, at Finish. Finish refuses keys
// that the caller did not ask for, with the list of those that it did.
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
  // The same for `text`, which is treated as the contents of the file at `path`.
  static absl::StatusOr<TomlReader> Parse(absl::string_view text, const std::string& path);

  TomlReader(TomlReader&&) noexcept;
  TomlReader& operator=(TomlReader&&) noexcept;
  ~TomlReader();

  bool Has(absl::string_view key);
  std::optional<std::string> Text(absl::string_view key);  // one line, not empty
  std::optional<bool> Flag(absl::string_view key);
  // An integer from `least` to `most`.
  std::optional<int64_t> Number(absl::string_view key, int64_t least, int64_t most);
  // An integer number of bytes, or a string like "64M".
  std::optional<uint64_t> Size(absl::string_view key);
  std::vector<std::string> Texts(absl::string_view key);
  // The tables of an array of tables; [[name]] or inline.
  std::vector<TomlReader> Tables(absl::string_view key);

  // Refuses the value of `key`, or the table itself if the key is empty or absent. EINVAL,
  // "toml.value". Only the first refusal is kept.
  void Refuse(absl::string_view key, absl::string_view why);
  // The same for a refusal from elsewhere: keeps its errno and reason.
  void Refuse(absl::string_view key, const absl::Status& why);

  // The first refusal of the whole file so far, including that of a key that the caller did not
  // ask for ("toml.key").
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
