// SPDX-License-Identifier: Apache-2.0
#include "tools/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "tools/commands.h"

namespace nvdimmfs::tools {
namespace {

int first_error = 0;  // of standard output

}  // namespace

void PrintData(absl::string_view text) {
  const std::string safe = core::EscapeText(text);
  errno = 0;
  const bool written = std::fwrite(safe.data(), 1, safe.size(), stdout) == safe.size();
  if (!written && first_error == 0) first_error = errno == 0 ? EIO : errno;
}

int FinishData(int code) {
  errno = 0;
  if (std::fflush(stdout) != 0 && first_error == 0) first_error = errno == 0 ? EIO : errno;
  const int error = first_error;
  if (error == 0) return code;
  if (error == EPIPE) return kRefused;
  Complain(core::Refusal(
      error, "output.write",
      absl::StrCat("standard output: ", strerror(error), "; the output is incomplete")));
  return kRefused;
}

void Say(absl::string_view sentence) {
  std::fprintf(stderr, "nvdimmfs: %s\n", core::EscapeSentence(sentence).c_str());
}

void Note(absl::string_view sentence) { Say(absl::StrCat("note: ", sentence)); }

}  // namespace nvdimmfs::tools
