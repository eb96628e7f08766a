// SPDX-License-Identifier: Apache-2.0
// A picture (SVG 1.1) of DPA and its owners: one bar per DIMM, one colour per namespace.
#ifndef NVDIMMFS_CORE_LABELS_DPA_SVG_H_
#define NVDIMMFS_CORE_LABELS_DPA_SVG_H_

#include <string>
#include <vector>

#include "core/labels/dpa_bar.h"

namespace nvdimmfs::core {

// A complete document, well-formed whatever the names are. Lengths within a bar are to scale; each
// part is also described in words below it.
std::string DrawDpaSvg(const std::vector<DpaBar>& bars);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_DPA_SVG_H_
