// SPDX-License-Identifier: Apache-2.0
// nvdimmfs move-labels IMAGE
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "backends/label_move.h"
#include "core/base/status.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"
#include "tools/output.h"

namespace nvdimmfs::tools {

int MoveLabelsCommand(const Arguments& arguments) {
  CommandLine line(
      "Moves the labels of an image that has grown to its new end, so that the DIMM has the new "
      "size. A power cut in between loses nothing.",
      "nvdimmfs move-labels");
  std::string path;
  line.Add("IMAGE", path, "the image file, or a block device with an image on it",
           {.required = true});
  if (const auto code = line.Parse(arguments)) return *code;
  if (path.empty()) return EmptyArgument("nvdimmfs move-labels", "IMAGE");
  hardening::ConfineForm({.store = true});
  const auto moved = backends::MoveLabelsToEnd(path);
  if (!moved.ok()) {
    Complain(moved.status());
    return kRefused;
  }
  const uint64_t from = moved->from.start, to = moved->to.start;
  PrintData(absl::StrCat(path, ": moved the labels from offset ", from, " to ", to,
                         "; the DIMM grew from ", from, " to ", to, " bytes\n"));
  return FinishData(kDone);
}

}  // namespace nvdimmfs::tools
