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

// The text is parsed once, in the constructor, and nowhere else. Thread rules: a plain value.
class Source {
 public:
  // "vm.img", "vm.img,label_size=256K", "ram:1G". If a file with the whole text as its name exists,
  // it is that file, even with commas or a colon. Never fails: Open reports errors.
  explicit Source(std::string text);

  const std::string& text() const { return text_; }  // as typed
  // Without its options: "vm.img", "ram:1G".
  std::string name() const;
  // In the order in which they apply.
  const OptionList& options() const { return options_; }
  // Whether it is read-only: set_read_only, or the option `ro`.
  bool read_only() const;
  // Whether a kernel module provides these buses. Reopening such a source resets their state.
  bool is_module() const;
  // Whether it drives a device of the machine: devdax:, cxl:, virtio-pmem:.
  bool drives_device() const;

  void set_read_only() { read_only_ = true; }
  // Adds options given elsewhere (-o); the text's own options override them.
  void PutDefaults(const OptionList& options);
  // Makes its name absolute, so that it is valid in any directory.
  void MakeAbsolute();

  // Opens it and returns its buses. Refused with EINVAL, "source.empty", "source.option" or
  // "source.name" (nothing after the colon), with EOPNOTSUPP, "source.kind", for an unknown scheme,
  // with EISDIR, "source.mounted", for a directory of a mount, or as the kind's opener says.
  absl::StatusOr<Buses> Open() const;

 private:
  std::string text_;
  const SourceKind* kind_ = nullptr;  // null: unknown
  std::string argument_;  // the text after the scheme; the whole name if the kind is unknown
  OptionList options_;
  bool read_only_ = false;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_SOURCE_H_
