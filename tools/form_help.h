// Help on the forms of the command line, and for somebody who typed one that there is not.
#ifndef NVDIMMFS_TOOLS_FORM_HELP_H_
#define NVDIMMFS_TOOLS_FORM_HELP_H_

#include <string>
#include <vector>

namespace nvdimmfs::tools {

// Whether `text` is a word and not a file: no SOURCE, and perhaps meant as a form.
bool IsBareWord(const std::string& text);

// What `nvdimmfs help` prints; the exit code.
int HelpOnForms(const std::vector<std::string>& forms);

// Says which form may have been meant. Returns kUsage.
int UnknownForm(const std::string& word, const std::vector<std::string>& forms);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_FORM_HELP_H_
