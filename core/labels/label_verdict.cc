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
    {"label.area.damaged", kMends},
    {"label.area.unreadable", kNone},
    {"label.findings", kNone},
    {"label.index.checksum", kMends},
    {"label.index.label_offset", kMends},
    {"label.index.label_size", kMends},
    {"label.index.mixed", kNone},
    {"label.index.my_offset", kMends},
    {"label.index.my_size", kMends},
    {"label.index.other_offset", kMends},
    {"label.index.sequence", kMends},
    {"label.index.signature", kMends},
    {"label.index.slot_count", kMends},
    {"label.index.version", kNone},
    {"label.region.incomplete", kNone},
    {"label.slot.checksum", kMends},
    {"label.slot.number", kMends},
    {"label.slot.region", kMends},
    {"label.slot.type", kMends},
    {"label.slot.updating", kNone},
    {"label.undecided", kNone},
    {"labels.cookie", kNone},
    {"labels.outside", kNone},
    {"labels.region", kNone},
    {"labels.stray", kNone},
    {"labels.uneven", kNone},
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
