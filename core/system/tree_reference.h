// SPDX-License-Identifier: Apache-2.0
// The attribute tables of all devices with their places in the tree. nvdimmfs-tree(7), the fuzz
// dictionary and the tables' tests are generated from it.
#ifndef NVDIMMFS_CORE_SYSTEM_TREE_REFERENCE_H_
#define NVDIMMFS_CORE_SYSTEM_TREE_REFERENCE_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/attribute.h"
#include "core/model/device_kind.h"

namespace nvdimmfs::core {

struct TableReference {
  absl::string_view title;        // "Regions"
  const DeviceKind* kind;         // its pattern() is the place; several tables may have one kind
  absl::string_view description;  // a sentence
  absl::Span<const Attribute> attributes;
};

// In the order of the manual page: from the bus down.
std::vector<TableReference> TreeReference();

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_TREE_REFERENCE_H_
