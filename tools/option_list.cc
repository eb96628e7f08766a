// SPDX-License-Identifier: Apache-2.0
#include "tools/option_list.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "backends/sources/option_help.h"
#include "fs/mount/mount_options.h"

namespace nvdimmfs::tools {
namespace {

constexpr size_t kWidth = 78;
constexpr absl::string_view kIndent = "      ";

std::string Wrap(absl::string_view text) {
  std::string wrapped(kIndent);
  size_t column = kIndent.size();
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column != kIndent.size() && column + 1 + word.size() > kWidth) {
      absl::StrAppend(&wrapped, "\n", kIndent);
      column = kIndent.size();
    }
    absl::StrAppend(&wrapped, column == kIndent.size() ? "" : " ", word);
    column += word.size() + 1;
  }
  return wrapped;
}

}  // namespace

std::vector<core::OptionHelp> AllOptions() {
  std::vector<core::OptionHelp> options;
  for (const core::OptionHelp& option : fs::MountOptionHelp()) options.push_back(option);
  for (const core::OptionHelp& option : backends::SourceOptionHelp()) options.push_back(option);
  return options;
}

std::string OptionList() {
  std::string text = "Options of -o:\n";
  for (const core::OptionHelp& option : AllOptions())
    absl::StrAppend(&text, "  ", option.name, option.value.empty() ? "" : "=", option.value, "\n",
                    Wrap(absl::StrReplaceAll(option.summary, {{"`", ""}})), "\n");
  return absl::StrCat(text, "and those of mount(8).");
}

}  // namespace nvdimmfs::tools
