// SPDX-License-Identifier: Apache-2.0
// The owners of DPA ranges, as data for drawings.
#ifndef NVDIMMFS_CORE_LABELS_DPA_BAR_H_
#define NVDIMMFS_CORE_LABELS_DPA_BAR_H_

#include <string>
#include <vector>

#include "core/base/range.h"

namespace nvdimmfs::core {

enum class DpaUse {
  kFree,
  kNamespace,  // owned by a namespace, or by a label without a namespace
  kLabelless,
  kMissing,
};

struct DpaPart {
  Range dpa;
  DpaUse use = DpaUse::kFree;
  std::string what;  // in words: "free", "namespace0.1 sector db"; names in it are escaped (utf8.h)
  std::string owner;  // for kNamespace: the same in all of its parts
};

// A DIMM's part of a region, or a region without DIMMs.
struct DpaBar {
  std::string title;
  Range dpa;
  std::vector<DpaPart> parts;  // ascending; together they cover `dpa`
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_DPA_BAR_H_
