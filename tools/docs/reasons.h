// SPDX-License-Identifier: Apache-2.0
// Every reason at the end of a refusal, a finding of `check` or a line of the log: what it means
// and what to do. nvdimmfs-reasons(7) and `nvdimmfs help REASON` print the table; reasons_test.py
// compares it with the sources of the programs.
//
// Thread rules: constants.
#ifndef NVDIMMFS_TOOLS_DOCS_REASONS_H_
#define NVDIMMFS_TOOLS_DOCS_REASONS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nvdimmfs::tools {

struct Reason {
  absl::string_view name;  // "namespace.size.align"
  // Of a refusal, with blanks between them; "*" stands for those of a system call. Empty for what
  // is only a finding or a note.
  absl::string_view errnos;
  absl::string_view meaning;
  absl::string_view advice;
};

// Sorted by name.
absl::Span<const Reason> Reasons();

// Null if there is no such reason.
const Reason* FindReason(absl::string_view name);

// Whether `pattern` names the reason: its name, or the beginning of it with "*" ("label.*").
bool IsNamedBy(const Reason& reason, absl::string_view pattern);

// The errnos in words: "EBUSY, ENXIO or that of the system call"; "" for a note.
std::string ErrnoText(const Reason& reason);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_DOCS_REASONS_H_
