// nvdimmfs move-labels IMAGE
#include <cstdio>
#include <string>

#include "backends/label_move.h"
#include "core/base/status.h"
#include "tools/command_line.h"
#include "tools/commands.h"

namespace nvdimmfs::tools {

int MoveLabelsCommand(const Arguments& arguments) {
  CLI::App app(
      "Moves the labels of an image that was made longer to its new end, so that the DIMM has the "
      "new size. A cut in between loses nothing.",
      "nvdimmfs move-labels");
  std::string path;
  app.add_option("IMAGE", path, "the image file, or a block device with an image on it")
      ->required();
  if (const auto code = Parse(app, arguments)) return *code;
  const auto moved = backends::MoveLabelsToEnd(path);
  if (!moved.ok()) {
    Complain(moved.status());
    return kRefused;
  }
  std::printf("%s: the labels were at %llu and are at %llu; the DIMM has %llu bytes, before %llu\n",
              path.c_str(), static_cast<unsigned long long>(moved->from.start),
              static_cast<unsigned long long>(moved->to.start),
              static_cast<unsigned long long>(moved->to.start),
              static_cast<unsigned long long>(moved->from.start));
  return kDone;
}

}  // namespace nvdimmfs::tools
