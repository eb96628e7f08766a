// SPDX-License-Identifier: Apache-2.0
// A SOURCE as users write it: a file, or SCHEME:NAME, with options after commas.
#ifndef NVDIMMFS_BACKENDS_SOURCES_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_SOURCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// The options that any source takes: those that -o passes on.
std::vector<absl::string_view> SourceOptions();

// What can be a SOURCE, for usage texts.
std::string SourceHelp();

// The text is taken apart once, where it is read; nothing else parses it. Thread rules: a plain
// value.
class Source {
 public:
  // "vm.img", "vm.img,label_size=256K", "ram:1G". A file whose name is the whole text is just that,
  // commas and colon included. Never fails: Open says what is wrong.
  explicit Source(std::string text);

  const std::string& text() const { return text_; }  // as typed
  // Without its options: "vm.img", "ram:1G".
  std::string name() const;
  // In the order in which they apply.
  const OptionList& options() const { return options_; }
  // Whether nothing may be written: set_read_only, or the option `ro`.
  bool read_only() const;
  // Whether the kernel gets these buses from a module. Reopening such a source resets their state.
  bool is_module() const;

  void set_read_only() { read_only_ = true; }
  // Options given elsewhere (-o): those of the text come after, and win.
  void PutDefaults(const OptionList& options);
  // The same source, named so that it stays true in another directory.
  void MakeAbsolute();

  // Opens it: the buses that it makes. Refused with EINVAL, "source.empty", "source.option" or
  // "source.kind", with EOPNOTSUPP, "source.kind", for an unknown scheme, with EISDIR,
  // "source.mounted", for a directory of a mount, or as the kind's opener says.
  absl::StatusOr<Buses> Open() const;

 private:
  std::string text_;
  const SourceKind* kind_ = nullptr;  // null: of no kind that there is
  std::string argument_;              // what follows the scheme; all of the name without a kind
  OptionList options_;
  bool read_only_ = false;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_SOURCE_H_
