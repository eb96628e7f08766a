#include "tools/command_line.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {

std::optional<int> Parse(CLI::App& app, const Arguments& arguments) {
  // CLI11 takes them last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kDone : kUsage;
  }
  return std::nullopt;
}

std::string Describe(const absl::Status& status) {
  const std::string reason = core::ReasonOf(status);
  return absl::StrCat(status.message(), " [", core::ErrnoName(core::ErrnoOf(status)),
                      reason.empty() ? "" : ", ", reason, "]");
}

void Complain(const absl::Status& status) {
  std::fprintf(stderr, "nvdimmfs: %s\n", Describe(status).c_str());
}

}  // namespace nvdimmfs::tools
