// SPDX-License-Identifier: Apache-2.0
// The verdict on a label area, and every reason that a finding about labels may have: one table for
// `nvdimmfs check`, the mount's notes, x/last_error, `list --schema 1` and refusals.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_VERDICT_H_
#define NVDIMMFS_CORE_LABELS_LABEL_VERDICT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/finding.h"

namespace nvdimmfs::core {

enum class LabelVerdict {
  kBlank,           // every byte checked is zero; the first label takes it into use
  kSound,           // a valid index, no findings
  kFindings,        // a valid index with findings: read and written, as a kernel does
  kDamaged,         // not blank, but no valid index: neither read nor written
  kUnknownVersion,  // a valid index of an unknown version: read, but never written
};

// "blank", "sound", "findings", "damaged", "unknown version".
absl::string_view NameOf(LabelVerdict verdict);

// What `nvdimmfs check --repair` does about a finding.
enum class LabelRepair {
  kMends,  // repairs it, or reports what it could not decide
  kNone,   // nothing: the next change of the label repairs it, or the user does
};

struct LabelReason {
  absl::string_view reason;  // stable; explained in tools/docs/reasons.cc
  LabelRepair repair;
};

// All of them, by name.
absl::Span<const LabelReason> LabelReasons();
// Null if no finding about labels has this reason.
const LabelReason* FindLabelReason(absl::string_view reason);

// The findings for a device's x/last_error: the first eight as lines "sentence [reason]", then
// `advice` unless empty. Empty without findings.
std::string LinesOf(absl::Span<const Finding> findings, absl::string_view advice);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_VERDICT_H_
