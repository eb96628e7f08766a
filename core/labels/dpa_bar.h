// SPDX-License-Identifier: Apache-2.0
// Who owns which DPA, as data: what the drawings of it are made from.
#ifndef NVDIMMFS_CORE_LABELS_DPA_BAR_H_
#define NVDIMMFS_CORE_LABELS_DPA_BAR_H_

#include <string>
#include <vector>

#include "core/base/range.h"

namespace nvdimmfs::core {

enum class DpaUse {
  kFree,
  kNamespace,  // a namespace's, whether it is there or only its label is
  kLabelless,
  kMissing,
};

struct DpaPart {
  Range dpa;
  DpaUse use = DpaUse::kFree;
  std::string what;  // in words: "free", "namespace0.1 sector db"; names in it are escaped (utf8.h)
  std::string owner;  // of kNamespace: what is the same in all its parts
};

// A DIMM's part in a region; or a region that has no DIMM.
struct DpaBar {
  std::string title;
  Range dpa;
  std::vector<DpaPart> parts;  // ascending; together all of `dpa`
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_DPA_BAR_H_
