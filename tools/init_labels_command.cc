// SPDX-License-Identifier: Apache-2.0
// nvdimmfs init-labels SOURCE [--dimm nmemN] [--label-version 1.1|1.2] [--force [--slot N]] [--save
// FILE]
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/sources/source.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/labels/give_up_slot.h"
#include "core/labels/label_area.h"
#include "core/labels/label_repair.h"
#include "tools/check/label_copy.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"
#include "tools/output.h"

namespace nvdimmfs::tools {
namespace {

struct Wanted {
  std::string source;
  std::string dimm;
  std::string version = "auto";
  std::string save;
  bool force = false;
  std::optional<uint32_t> slot;
};

struct Found {
  std::string name;
  core::DimmSource dimm;
};

absl::StatusOr<Found> FindDimm(const std::vector<core::BusSource>& buses, const std::string& name) {
  std::vector<Found> with_labels;
  int number = 0;
  for (const core::BusSource& bus : buses)
    for (const core::DimmSource& dimm : bus.dimms) {
      Found found{absl::StrCat("nmem", number++), dimm};
      if (name == found.name && dimm.labels == nullptr)
        return core::Refusal(ENXIO, "init.no_area", absl::StrCat(name, " has no label area"));
      if (dimm.labels != nullptr && (name.empty() || name == found.name))
        with_labels.push_back(std::move(found));
    }
  if (with_labels.size() == 1) return with_labels[0];
  if (!name.empty())
    return core::Refusal(ENODEV, "init.dimm", absl::StrCat("there is no DIMM ", name));
  if (with_labels.empty())
    return core::Refusal(ENXIO, "init.no_area",
                         "no DIMM has a label area; for an image, specify it with label_size=");
  std::vector<std::string> names;
  for (const Found& found : with_labels) names.push_back(found.name);
  return core::Refusal(EINVAL, "init.which",
                       absl::StrCat("several DIMMs have a label area; select one with --dimm: ",
                                    absl::StrJoin(names, ", ")));
}

const core::LabelVersion& VersionOf(const Wanted& wanted, const core::DimmSource& dimm) {
  const core::LabelVersion* const version = core::LabelVersionNamed(wanted.version);
  return version == nullptr ? *dimm.new_labels : *version;
}

absl::Status InUse(const core::LabelArea& area, const absl::Status& not_blank) {
  std::string what = std::string(not_blank.message());
  for (const core::StoredLabel& stored : area.labels())
    absl::StrAppend(&what, "; slot ", stored.slot, ": namespace ", stored.label.uuid.ToString(),
                    stored.label.name.empty() ? "" : ", ", core::EscapeName(stored.label.name));
  return core::Refusal(core::ErrnoOf(not_blank), core::ReasonOf(not_blank),
                       absl::StrCat(what, ". --force gives its labels up, after saving a copy"));
}

// Saves the old area in a file.
absl::Status Keep(const Wanted& wanted, const Found& found) {
  ASSIGN_OR_RETURN(
      const std::string path,
      KeepLabelArea(
          *found.dimm.labels,
          wanted.save.empty() ? std::nullopt : std::optional<std::string>(wanted.save),
          found.dimm.label_file.empty() ? found.dimm.description : found.dimm.label_file));
  Say(absl::StrCat("the old label area is saved in ", path, "; to restore it:"));
  std::fprintf(stderr, "%s\n", core::EscapeSentence(HowToBringBack(path, found.dimm)).c_str());
  return absl::OkStatus();
}

absl::Status Initialise(const Wanted& wanted, const Found& found) {
  ASSIGN_OR_RETURN(core::LabelArea area,
                   core::LabelArea::Open(found.dimm.labels, *found.dimm.new_labels));
  const core::LabelVersion& version = VersionOf(wanted, found.dimm);
  const absl::Status blank = area.CheckBlank();
  if (!blank.ok() && !wanted.force) return InUse(area, blank);
  if (blank.ok()) {
    RETURN_IF_ERROR(area.Initialise(version));
  } else {
    RETURN_IF_ERROR(Keep(wanted, found));
    RETURN_IF_ERROR(area.InitialiseOver(version));
  }
  PrintData(absl::StrCat(found.name, ": ", area.size(), " bytes of labels, version ",
                         area.number().ToString(), ", ", area.slot_count(), " slots, all free\n"));
  return absl::OkStatus();
}

absl::Status GiveUpSlot(const Wanted& wanted, const Found& found) {
  if (!wanted.force)
    return core::Refusal(EINVAL, "init.slot", "--slot gives a label up and needs --force");
  const core::LabelRepairOptions options{.capacity = found.dimm.capacity->size(),
                                         .expected = found.dimm.new_labels,
                                         .elsewhere = {},
                                         .source = {},
                                         .save = nullptr};
  RETURN_IF_ERROR(core::GiveUpSlot(found.dimm.labels, *wanted.slot, options,
                                   [&] { return Keep(wanted, found); }));
  PrintData(absl::StrCat(found.name, ": slot ", *wanted.slot, " is free now\n"));
  return absl::OkStatus();
}

absl::Status Run(const Wanted& wanted) {
  const backends::Source source(wanted.source);
  hardening::ConfineForm({.store = true, .device = source.drives_device()});
  ASSIGN_OR_RETURN(const backends::Buses buses, source.Open());
  ASSIGN_OR_RETURN(const Found found, FindDimm(buses, wanted.dimm));
  const absl::Status status = wanted.slot ? GiveUpSlot(wanted, found) : Initialise(wanted, found);
  return status.ok() ? found.dimm.labels->Flush() : core::Annotate(status, found.name);
}

}  // namespace

int InitLabelsCommand(const Arguments& arguments) {
  CommandLine line(
      "Initialises a label area: writes new, empty index blocks. A label area that is not blank "
      "needs --force, which saves a copy of it first.",
      "nvdimmfs init-labels");
  Wanted wanted;
  line.Add("SOURCE", wanted.source, backends::SourceHelp(), {.required = true});
  line.Add("--dimm", wanted.dimm, "which of several DIMMs: nmem0, nmem1, ...");
  line.Add("--label-version", wanted.version, "auto: 2.1 for CXL devices, else 1.2",
           {.show_default = true, .one_of = {"auto", "1.1", "1.2"}});
  line.AddFlag("--force", wanted.force, "give up existing labels, even damaged ones");
  line.Add("--slot", wanted.slot,
           "with --force: give up only this slot, whose label is unreadable or blocks a "
           "repair");
  line.Add("--save", wanted.save,
           "file for the copy of the old area; it must not exist. Default: the first free "
           "name SOURCE.labels-N");
  if (const auto code = line.Parse(arguments)) return *code;
  const absl::Status status = Run(wanted);
  if (status.ok()) return FinishData(kDone);
  Complain(InContext("init-labels", wanted.source, status));
  return kRefused;
}

}  // namespace nvdimmfs::tools
