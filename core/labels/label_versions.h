// SPDX-License-Identifier: Apache-2.0
// The table of label versions (label_versions.inc), and look-ups in it.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_VERSIONS_H_
#define NVDIMMFS_CORE_LABELS_LABEL_VERSIONS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/uuid.h"
#include "core/labels/label_version.h"

namespace nvdimmfs::core {

#define NVDIMMFS_LABEL_VERSION(name) const LabelVersion& name();
#include "core/labels/label_versions.inc"
#undef NVDIMMFS_LABEL_VERSION

absl::Span<const LabelVersion* const> LabelVersions();

// The label sizes of all versions, each once, in the order in which they are tried.
std::vector<uint32_t> LabelSizes();

// The version to assume for labels of `label_size` bytes without other evidence. `label_size` is
// one of LabelSizes().
const LabelVersion& GeneralLabelVersion(uint32_t label_size);

// The version called `number`, "1.2"; null if there is none.
const LabelVersion* LabelVersionNamed(absl::string_view number);

// The version that an index block states; null if it is unknown.
const LabelVersion* FindLabelVersion(LabelVersionNumber number, uint32_t label_size);

// The version of the label in the bytes of a slot, without an index: according to its type, else
// the general version. The size of `bytes` is one of LabelSizes().
const LabelVersion& LabelVersionOf(absl::Span<const std::byte> bytes);

// The policy for an index of a version that is not in the table: labels are read as those of
// `labels`, with the cookie and the claims that kernels use for all versions but 1.1, and nothing
// is written.
const LabelVersion& UnknownLabelVersion(const LabelVersion& labels);

// Whether `version` has labels that begin with `type`.
bool HasType(const LabelVersion& version, const Uuid& type);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_VERSIONS_H_
