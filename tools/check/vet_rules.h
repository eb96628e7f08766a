// SPDX-License-Identifier: Apache-2.0
// What `check --policy vet` looks for: how grave each finding is, and what a kernel does with such
// an image. The table is the source of the rules in SARIF, of tools/check/vet.md, and of what
// nvdimmfs-reasons(7) and `nvdimmfs help REASON` say about kernels. The meaning of a reason is in
// tools/docs/reasons.cc.
//
// Thread rules: constants.
#ifndef NVDIMMFS_TOOLS_CHECK_VET_RULES_H_
#define NVDIMMFS_TOOLS_CHECK_VET_RULES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nvdimmfs::tools {

// As SARIF names them.
enum class VetLevel {
  kNote,     // for people: no finding
  kWarning,  // no kernel writes it, or a kernel does something odd with it
  kError,    // it has hurt a kernel, or loses or shows data
};

// "note", "warning", "error".
absl::string_view NameOf(VetLevel level);

struct VetRule {
  absl::string_view reason;
  VetLevel level;
  absl::string_view kernel;  // what a kernel does with it
  // The name of the case, if it is a known defect of kernels, or makes one give up a region or BTT.
  absl::string_view defect;
};

// Sorted by reason.
absl::Span<const VetRule> VetRules();

// Null if there is no rule: damage without a meaning of its own for kernels, a warning.
const VetRule* FindVetRule(absl::string_view reason);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_VET_RULES_H_
