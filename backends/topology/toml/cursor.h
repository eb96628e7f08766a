// SPDX-License-Identifier: Apache-2.0
// A position in a text, which advances character by character and knows its line and column.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOML_CURSOR_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOML_CURSOR_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/topology/toml/value.h"

namespace nvdimmfs::backends::toml {

class Cursor {
 public:
  explicit Cursor(absl::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  absl::string_view rest() const { return text_.substr(at_); }
  // The next byte; NUL at the end, and nowhere else (CheckCharacters).
  char next() const { return at_end() ? '\0' : text_[at_]; }
  Place place() const { return place_; }

  // Whether a line, or the text, ends here.
  bool AtLineEnd() const;

  void Advance(size_t bytes = 1);
  // Moves past `word` if it is next.
  bool Take(absl::string_view word);
  bool TakeLineEnd();
  void SkipBlanks();  // spaces and tabs
  void SkipBlanksCommentsAndLines();
  void SkipComment();  // up to the end of its line

  // EINVAL, "toml.syntax": "3:7: why".
  absl::Status Refuse(absl::string_view why) const { return Refuse(place_, why); }
  static absl::Status Refuse(Place at, absl::string_view why);

 private:
  absl::string_view text_;
  size_t at_ = 0;
  Place place_;
};

// Refuses what no TOML text may contain: bytes that are not UTF-8, and control characters other
// than tab, LF and CR LF.
absl::Status CheckCharacters(absl::string_view text);

}  // namespace nvdimmfs::backends::toml

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOML_CURSOR_H_
