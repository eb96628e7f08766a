// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_verdict.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace nvdimmfs::core {
namespace {

constexpr auto kMends = LabelRepair::kMends;
constexpr auto kNone = LabelRepair::kNone;

constexpr size_t kLines = 8;

constexpr LabelReason kReasons[] = {
    {"label.area.damaged", "bytes that are not zero, and no valid index block", kMends},
    {"label.area.unreadable", "no valid index block, and bytes that cannot be read", kNone},
    {"label.findings", "more findings than are listed", kNone},
    {"label.index.checksum", "an index block fails its checksum", kMends},
    {"label.index.label_offset", "an index block puts the slots elsewhere", kMends},
    {"label.index.label_size", "an index block says an impossible label size", kMends},
    {"label.index.mixed", "an index of version 2.1 over labels of version 1.2", kNone},
    {"label.index.my_offset", "an index block says that it lies elsewhere", kMends},
    {"label.index.my_size", "an index block says an impossible size", kMends},
    {"label.index.other_offset", "an index block puts its twin elsewhere", kMends},
    {"label.index.sequence", "an index block has sequence 0", kMends},
    {"label.index.signature", "an index block has no signature", kMends},
    {"label.index.slot_count", "an index block claims more slots than fit", kMends},
    {"label.index.version", "an index block of a version that is not known here", kNone},
    {"label.region.incomplete", "devices of a CXL region are missing, or do not fit", kNone},
    {"label.slot.checksum", "a label in use fails its checksum", kMends},
    {"label.slot.number", "a label in use says that it is in another slot", kMends},
    {"label.slot.region", "a CXL region's label describes no possible region", kMends},
    {"label.slot.type", "a label in use is of neither CXL kind", kMends},
    {"label.slot.updating", "a change of a label was interrupted", kNone},
    {"label.undecided", "a repair needs a decision", kNone},
    {"labels.cookie", "a label is of another interleave set", kNone},
    {"labels.outside", "a label's extent begins outside of the region", kNone},
    {"labels.region", "a label is of another CXL region", kNone},
    {"labels.stray", "the first DIMM of the set has no label of this namespace", kNone},
    {"labels.uneven", "a namespace has unequal extents on its DIMMs", kNone},
};

}  // namespace

absl::string_view NameOf(LabelVerdict verdict) {
  switch (verdict) {
    case LabelVerdict::kBlank:
      return "blank";
    case LabelVerdict::kSound:
      return "sound";
    case LabelVerdict::kFindings:
      return "findings";
    case LabelVerdict::kDamaged:
      return "damaged";
    case LabelVerdict::kUnknownVersion:
      return "unknown version";
  }
  return "";
}

absl::Span<const LabelReason> LabelReasons() { return kReasons; }

const LabelReason* FindLabelReason(absl::string_view reason) {
  const auto found =
      std::find_if(std::begin(kReasons), std::end(kReasons),
                   [reason](const LabelReason& row) { return row.reason == reason; });
  return found == std::end(kReasons) ? nullptr : found;
}

std::string LinesOf(absl::Span<const Finding> findings, absl::string_view advice) {
  std::string lines;
  for (const Finding& finding : findings.first(std::min(findings.size(), kLines)))
    absl::StrAppend(&lines, lines.empty() ? "" : "\n", finding.sentence, " [", finding.reason, "]");
  if (findings.size() > kLines)
    absl::StrAppend(&lines, "\n", findings.size() - kLines, " more findings");
  if (!lines.empty() && !advice.empty()) absl::StrAppend(&lines, "\n", advice);
  return lines;
}

}  // namespace nvdimmfs::core
