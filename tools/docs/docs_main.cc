// SPDX-License-Identifier: Apache-2.0
// docs NAME prints what is generated from the declarations of the programs; docs --update FILE...
// renews the generated sections of pages. The build runs it; it is not installed.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/docs/dictionary.h"
#include "tools/docs/reasons.h"
#include "tools/docs/sections.h"
#include "tools/docs/tree_page.h"

namespace {

struct Text {
  const char* name;
  std::string (*make)();
};

// For tests: the columns of the table, with tabs between them.
std::string ReasonsTable() {
  std::string text;
  for (const nvdimmfs::tools::Reason& reason : nvdimmfs::tools::Reasons())
    absl::StrAppend(&text, reason.name, "\t", reason.errnos, "\t", reason.meaning, "\t",
                    reason.advice, "\n");
  return text;
}

constexpr Text kTexts[] = {
    {"nvdimmfs-reasons.7", nvdimmfs::tools::ReasonsPage},
    {"nvdimmfs-tree.7", nvdimmfs::tools::TreePage},
    {"nvdimmfs.dict", nvdimmfs::tools::Dictionary},
    {"reasons.tsv", ReasonsTable},
};

// Whether the page could be read, understood and, where it differs, written.
bool Update(const char* path) {
  std::ifstream file(path);
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto fresh = nvdimmfs::tools::Regenerate(page);
  if (!file || !fresh.ok()) {
    std::fprintf(stderr, "docs: %s: %s\n", path,
                 file ? std::string(fresh.status().message()).c_str() : "cannot be read");
    return false;
  }
  return *fresh == page || (std::ofstream(path) << *fresh).flush();
}

int Usage() {
  std::fputs("usage: docs --update FILE...\n       docs NAME; NAME is one of:", stderr);
  for (const Text& text : kTexts) std::fprintf(stderr, " %s", text.name);
  std::fputs("\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "--update") {
    bool done = true;
    for (int i = 2; i < argc; ++i) done = Update(argv[i]) && done;
    return done ? 0 : 1;
  }
  if (argc != 2) return Usage();
  for (const Text& text : kTexts)
    if (std::string(argv[1]) == text.name) {
      std::fputs(text.make().c_str(), stdout);
      return std::fflush(stdout) == 0 ? 0 : 1;
    }
  return Usage();
}
