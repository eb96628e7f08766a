// SPDX-License-Identifier: Apache-2.0
// A picture (SVG 1.1) of DPA and its owners: a bar for each DIMM, a colour for each namespace.
#ifndef NVDIMMFS_CORE_LABELS_DPA_SVG_H_
#define NVDIMMFS_CORE_LABELS_DPA_SVG_H_

#include <string>
#include <vector>

#include "core/labels/dpa_bar.h"

namespace nvdimmfs::core {

// A whole document, well-formed whatever the names are. Lengths within a bar are in proportion;
// below it stands each part in words.
std::string DrawDpaSvg(const std::vector<DpaBar>& bars);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_DPA_SVG_H_
