// SPDX-License-Identifier: Apache-2.0
// What a label area is, and every reason that a finding about labels may have: one table for
// `nvdimmfs check`, the mount's notes, x/last_error, `list --schema 1` and refusals.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_VERDICT_H_
#define NVDIMMFS_CORE_LABELS_LABEL_VERDICT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/finding.h"

namespace nvdimmfs::core {

enum class LabelVerdict {
  kBlank,           // every byte that was looked at is zero; the first label takes it into use
  kSound,           // a valid index, and nothing to tell
  kFindings,        // a valid index, and something to tell: used, and written, as a kernel does
  kDamaged,         // bytes that are not zero, and no valid index: nothing is read, nothing written
  kUnknownVersion,  // a valid index of a version unknown here: read, and never written
};

// "blank", "sound", "findings", "damaged", "unknown version".
absl::string_view NameOf(LabelVerdict verdict);

// What `nvdimmfs check --repair` does about a finding.
enum class LabelRepair {
  kMends,  // mends it, or says what it could not decide
  kNone,   // nothing: the next change of the label does, or the user
};

struct LabelReason {
  absl::string_view reason;  // stable; tools/docs/reasons.cc says what it means
  LabelRepair repair;
};

// All of them, by name.
absl::Span<const LabelReason> LabelReasons();
// Null where no finding about labels has this reason.
const LabelReason* FindLabelReason(absl::string_view reason);

// The findings as a device's x/last_error has them: "sentence [reason]", a line each, the first
// eight; then `advice`, where there is some. Empty without findings.
std::string LinesOf(absl::Span<const Finding> findings, absl::string_view advice);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_VERDICT_H_
