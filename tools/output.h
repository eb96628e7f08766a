// What the commands print. Everything goes through here, so that no name from media or from a file
// system reaches a terminal with characters that do not show (core/base/utf8.h).
#ifndef NVDIMMFS_TOOLS_OUTPUT_H_
#define NVDIMMFS_TOOLS_OUTPUT_H_

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

// Data, on standard output. Lines end with their own line feeds.
void PrintData(absl::string_view text);

// Call once, last, and return what it returns: `code`, or kRefused where what was printed did not
// get out, which is said on standard error. A reader who left early (head) is not told.
int FinishData(int code);

// "nvdimmfs: sentence" and "nvdimmfs: note: sentence", on standard error.
void Say(absl::string_view sentence);
void Note(absl::string_view sentence);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_OUTPUT_H_
