// SPDX-License-Identifier: Apache-2.0
// Text in the roff of man pages (mdoc(7)).
#ifndef NVDIMMFS_TOOLS_DOCS_MAN_TEXT_H_
#define NVDIMMFS_TOOLS_DOCS_MAN_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

// A text line that shows `text`, which is ASCII, as it is; words between backquotes are literals.
std::string ManText(absl::string_view text);

// `text` with a capital at its beginning and a full stop at its end.
std::string Sentence(absl::string_view text);

// One argument of a macro that shows `text` as it is.
std::string ManArgument(absl::string_view text);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_DOCS_MAN_TEXT_H_
