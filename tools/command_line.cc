#include "tools/command_line.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "core/status.h"

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

void Complain(const absl::Status& status) {
  const std::string reason = core::ReasonOf(status);
  std::fprintf(stderr, "nvdimmfs: %s [%s%s%s]\n", std::string(status.message()).c_str(),
               core::ErrnoName(core::ErrnoOf(status)).c_str(), reason.empty() ? "" : ", ",
               reason.c_str());
}

}  // namespace nvdimmfs::tools
