// SPDX-License-Identifier: Apache-2.0
// nvdimmfs create IMAGE --size 256M [--label-size 128K] [--labels auto|none|1.1|1.2] [--uuid U]
// [--slot K]
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "backends/image_backend.h"
#include "backends/image_create.h"
#include "backends/image_layout.h"
#include "backends/qemu_slot.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/labels/label_area.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace nvdimmfs::tools {
namespace {

struct Wanted {
  std::string path;
  std::string size;
  std::string label_size = "128K";
  std::string labels = "auto";
  std::string uuid;
  uint32_t slot = 0;
};

absl::Status Initialise(const backends::NewImage& image, const std::string& version) {
  if (version == "none") return absl::OkStatus();
  backends::ImageOptions options;
  options.label_size = image.label_size;
  ASSIGN_OR_RETURN(core::DimmSource dimm, backends::OpenImage(image.path, 0, options));
  ASSIGN_OR_RETURN(core::LabelArea area, core::LabelArea::Open(dimm.labels));
  return area.Initialise(*core::LabelVersionNamed(version));
}

std::string DescribeLabels(const backends::NewImage& image, const std::string& version) {
  if (image.label_size == 0) return "label-less";
  return version == "none" ? "blank" : "version " + version;
}

absl::Status Create(const Wanted& wanted) {
  backends::NewImage image{.path = wanted.path};
  ASSIGN_OR_RETURN(image.size, core::ParseSize(wanted.size));
  ASSIGN_OR_RETURN(image.label_size, core::ParseSize(wanted.label_size));
  std::optional<core::Uuid> uuid;
  if (!wanted.uuid.empty()) {
    ASSIGN_OR_RETURN(uuid, core::ParseUuid(wanted.uuid));
  }
  if (core::LabelVersionNamed(wanted.labels) != nullptr && image.label_size == 0)
    return core::Refusal(EINVAL, "create.labels",
                         "--labels needs a label area, and --label-size 0 makes none");
  ASSIGN_OR_RETURN(const backends::CreatedImage created, backends::CreateImage(image));
  // A blank area of a whole number of MiB looks like data; index blocks identify it.
  std::string version = wanted.labels;
  if (version == "auto") version = created.label_area_is_found ? "none" : "1.2";
  if (const absl::Status labelled = Initialise(image, version); !labelled.ok()) {
    // This command has just created it.
    unlink(image.path.c_str());
    return labelled;
  }
  PrintData(absl::StrCat(image.path, ": ", image.size, " bytes of data, ", image.label_size,
                         " bytes of labels (", DescribeLabels(image, version), ")\n"));
  if (!created.label_area_is_found && version == "none")
    Note(absl::StrCat("a blank label area of this size cannot be told from data; give its size: ",
                      image.path, ",label_size=", wanted.label_size));
  if (image.label_size != 0 && created.label_area_is_found && version == "none")
    Note(absl::StrCat(
        "the label area is blank, as a new DIMM's is, so there is one namespace over the "
        "whole region; for several (ndctl create-namespace --size), type first: "
        "nvdimmfs init-labels ",
        image.path, wanted.slot != 0 ? absl::StrCat(",slot=", wanted.slot) : ""));
  if (image.label_size != 0 && image.label_size < backends::kMinLabelArea)
    Note(absl::StrCat(
        "QEMU requires a label area of at least 128K: only nvdimmfs can use this image. "
        "If it does not find the labels, give their size: ",
        image.path, ",label_size=", wanted.label_size));
  else
    std::fprintf(stderr, "to give it to a guest:\n%s\n",
                 core::EscapeSentence(backends::QemuCommandLine(image, wanted.slot, uuid)).c_str());
  if (wanted.slot != 0)
    Note(absl::StrCat("until it has labels, mount it with: nvdimmfs ", image.path,
                      ",slot=", wanted.slot,
                      " MOUNTPOINT; for namespaces with an alignment of 1G, add where it is in the "
                      "guest: ,spa=ADDRESS (QEMU's monitor says it: info memory-devices)"));
  return absl::OkStatus();
}

}  // namespace

int CreateCommand(const Arguments& arguments) {
  CommandLine line(
      "Makes an empty DIMM image, laid out as QEMU expects it: data, then the label area.",
      "nvdimmfs create");
  Wanted wanted;
  line.Add("IMAGE", wanted.path, "the file to create; it must not exist", {.required = true});
  line.Add("--size", wanted.size, "bytes of data (K, M, G, T)", {.required = true});
  line.Add("--label-size", wanted.label_size, "bytes of the label area; 0: label-less",
           {.show_default = true});
  line.Add("--labels", wanted.labels,
           "none: a blank area, like a new DIMM's; 1.1 or 1.2: with index blocks; auto: blank "
           "if a mount can find it that way, else 1.2",
           {.show_default = true, .one_of = {"auto", "none", "1.1", "1.2"}});
  line.Add("--uuid", wanted.uuid, "the DIMM's uuid, for QEMU's command line");
  line.AddUpTo(backends::kQemuSlots - 1, "--slot", wanted.slot,
               "the DIMM's slot in QEMU: 0 for a guest's first DIMM, 1 for its second");
  if (const auto code = line.Parse(arguments)) return *code;
  if (wanted.path.empty()) return EmptyArgument("nvdimmfs create", "IMAGE");
  const absl::Status status = Create(wanted);
  if (status.ok()) return FinishData(kDone);
  Complain(InContext("create", wanted.path, status));
  return kRefused;
}

}  // namespace nvdimmfs::tools
