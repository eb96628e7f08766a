// SPDX-License-Identifier: Apache-2.0
// Finds a region's namespaces from the labels of all of its DIMMs: the kernel's rules, as one pure
// function.
#ifndef NVDIMMFS_CORE_LABELS_NAMESPACE_SCAN_H_
#define NVDIMMFS_CORE_LABELS_NAMESPACE_SCAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/finding.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/labels/claim_class.h"
#include "core/labels/dpa_space.h"
#include "core/labels/label_area.h"

namespace nvdimmfs::core {

// One DIMM's part in the region.
struct ScanMapping {
  std::string dimm;                   // for messages: "nmem0"
  Range dpa;                          // the mapping, in the DIMM's address space
  const LabelArea* labels = nullptr;  // never null
  const DpaSpace* space = nullptr;    // never null
};

struct ScanRegion {
  std::string name;               // "region0"
  uint64_t start = 0;             // SPA, bytes
  uint64_t cookie = 0;            // expected in labels
  uint64_t alternate_cookie = 0;  // accepted as well unless 0
  Uuid type_guid;                 // the range's; LabelVersion::IsOfRangeType
  Uuid uuid;                      // if labels name the region by UUID (LabelVersion::has_cookie)
  std::vector<ScanMapping> mappings;
};

struct ScannedNamespace {
  Uuid uuid;
  std::string name;
  uint64_t lbasize = 0;
  ClaimClass claim_class = ClaimClass::kNone;
  uint64_t size = 0;  // bytes, over all DIMMs
  uint64_t spa_start = 0;
  std::vector<uint32_t> slots;  // slots[i]: its label's slot on mapping i
};

struct ScanResult {
  // In the kernel's numbering order (byte-wise order of the little-endian start address).
  std::vector<ScannedNamespace> namespaces;
  std::vector<Finding> findings;  // labels that were skipped, and why
};

// Refused with ENODEV and a reason "labels.*" if a bad set would make the kernel give up the
// region.
absl::StatusOr<ScanResult> ScanNamespaces(const ScanRegion& region);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_NAMESPACE_SCAN_H_
