// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/man_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nvdimmfs::tools {
namespace {

std::string Escape(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\e";
    else if (c == '-')
      escaped += "\\-";
    else if (c == '"')
      escaped += "\\(dq";
    else
      escaped += c;
  }
  return escaped;
}

}  // namespace

std::string ManText(absl::string_view text) {
  std::string line;
  bool literal = false;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('`', start), text.size());
    absl::StrAppend(&line, literal ? "\\fB" : "", Escape(text.substr(start, end - start)),
                    literal ? "\\fR" : "");
    literal = !literal;
    start = end + 1;
  }
  const bool is_request = absl::StartsWith(line, ".") || absl::StartsWith(line, "'");
  return absl::StrCat(is_request ? "\\&" : "", line);
}

std::string Sentence(absl::string_view text) {
  std::string sentence(text);
  if (!sentence.empty()) sentence[0] = absl::ascii_toupper(sentence[0]);
  return absl::StrCat(sentence, absl::EndsWith(sentence, ".") ? "" : ".");
}

std::string ManArgument(absl::string_view text) {
  return absl::StrCat("\"\\&", Escape(text), "\"");
}

}  // namespace nvdimmfs::tools
