// SPDX-License-Identifier: Apache-2.0
// Help on the forms of the command line and on reasons, also for a form that does not exist.
#ifndef NVDIMMFS_TOOLS_FORM_HELP_H_
#define NVDIMMFS_TOOLS_FORM_HELP_H_

#include <optional>
#include <string>
#include <vector>

namespace nvdimmfs::tools {

// Whether `text` is a word and not a file: not a SOURCE, and perhaps meant as a form.
bool IsBareWord(const std::string& text);

// Prints what `nvdimmfs help` prints; returns the exit code.
int HelpOnForms(const std::vector<std::string>& forms);

// What `nvdimmfs help REASON` prints; nothing if there is no such reason.
std::optional<int> HelpOnReason(const std::string& name);

// Suggests the form that may have been meant. Returns kUsage.
int UnknownForm(const std::string& word, const std::vector<std::string>& forms);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_FORM_HELP_H_
