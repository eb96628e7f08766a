// SPDX-License-Identifier: Apache-2.0
#include "tools/form_help.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/nearest_word.h"
#include "tools/check/vet_rules.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/docs/reasons.h"
#include "tools/output.h"

namespace nvdimmfs::tools {

bool IsBareWord(const std::string& text) {
  const auto may_be_in_a_word = [](unsigned char c) { return absl::ascii_isalpha(c) || c == '-'; };
  return !text.empty() && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), may_be_in_a_word) && access(text.c_str(), F_OK) != 0;
}

int HelpOnForms(const std::vector<std::string>& forms) {
  PrintData(absl::StrCat(
      "nvdimmfs SOURCE MOUNTPOINT   mounts persistent memory as the kernel's device tree\n"
      "nvdimmfs FORM ...            FORM is one of: ",
      absl::StrJoin(forms, ", "),
      "\n"
      "nvdimmfs help FORM           how a form is used (also: nvdimmfs FORM --help)\n"
      "nvdimmfs help REASON         what the reason at the end of a message means\n"
      "man nvdimmfs                 everything\n"));
  return FinishData(kDone);
}

std::optional<int> HelpOnReason(const std::string& name) {
  const Reason* const reason = FindReason(name);
  if (reason == nullptr) return std::nullopt;
  const std::string errnos = ErrnoText(*reason);
  const VetRule* const rule = FindVetRule(name);
  PrintData(absl::StrCat(
      reason->name, ": ", reason->meaning, "\n",
      errnos.empty() ? "" : absl::StrCat("errno: ", errnos, "\n"), "what to do: ", reason->advice,
      "\n",
      rule == nullptr
          ? ""
          : absl::StrCat("on media: ", rule->kernel,
                         rule->defect.empty() ? "" : absl::StrCat(" (", rule->defect, ")"), "\n")));
  return FinishData(kDone);
}

int UnknownForm(const std::string& word, const std::vector<std::string>& forms) {
  std::vector<std::string> known = forms;
  known.emplace_back("help");
  std::string advice = core::DidYouMean(word, known);
  if (advice.empty()) advice = ".";
  if (word == "umount" || word == "unmount") advice = "; to unmount: umount MOUNTPOINT.";
  return BadUsage("nvdimmfs", absl::StrCat("\"", word, "\" is neither a form nor a file", advice,
                                           " Forms are ", absl::StrJoin(known, ", "),
                                           "; to mount: nvdimmfs SOURCE MOUNTPOINT"));
}

}  // namespace nvdimmfs::tools
