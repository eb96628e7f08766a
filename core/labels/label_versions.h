// SPDX-License-Identifier: Apache-2.0
// The table of label versions (label_versions.inc), and what is looked up in it.
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

// The sizes of their labels, each once, in the order in which they are tried.
std::vector<uint32_t> LabelSizes();

// What labels of `label_size` bytes are read as where nothing says more. `label_size` is one of
// LabelSizes().
const LabelVersion& GeneralLabelVersion(uint32_t label_size);

// The version called `number`, "1.2"; null where there is none.
const LabelVersion* LabelVersionNamed(absl::string_view number);

// The version that an index block states; null where it is not known.
const LabelVersion* FindLabelVersion(LabelVersionNumber number, uint32_t label_size);

// The version of the label in the bytes of a slot, without an index: by its type, else the general
// one. The size of `bytes` is one of LabelSizes().
const LabelVersion& LabelVersionOf(absl::Span<const std::byte> bytes);

// The policy for an index of a version that is not in the table: its labels are read as those of
// `labels`, with the cookie and the claims that kernels take for all but 1.1, and nothing is
// written.
const LabelVersion& UnknownLabelVersion(const LabelVersion& labels);

// Whether `version` has labels that begin with `type`.
bool HasType(const LabelVersion& version, const Uuid& type);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_VERSIONS_H_
