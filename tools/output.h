// SPDX-License-Identifier: Apache-2.0
// What the commands print. All output goes through here, so that no name from media or from a file
// system reaches a terminal with unprintable characters (core/base/utf8.h).
#ifndef NVDIMMFS_TOOLS_OUTPUT_H_
#define NVDIMMFS_TOOLS_OUTPUT_H_

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

// Results, on standard output. The caller ends its lines with line feeds.
void PrintData(absl::string_view text);

// Call once, last, and return its result: `code`, or kRefused if standard output could not be
// written, with a message on standard error. A closed pipe (head) gets no message.
int FinishData(int code);

// "nvdimmfs: sentence" and "nvdimmfs: note: sentence", on standard error.
void Say(absl::string_view sentence);
void Note(absl::string_view sentence);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_OUTPUT_H_
