// SPDX-License-Identifier: Apache-2.0
// One namespace label: its fields as values, independent of the version in which it is stored. A
// plain value. label_version.h has the versions that parse and encode it.
#ifndef NVDIMMFS_CORE_LABELS_NAMESPACE_LABEL_H_
#define NVDIMMFS_CORE_LABELS_NAMESPACE_LABEL_H_

#include <cstdint>
#include <string>

#include "core/base/uuid.h"

namespace nvdimmfs::core {

struct NamespaceLabel {
  Uuid uuid;
  std::string name;     // at most 63 bytes; up to the first NUL
  uint32_t flags = 0;   // label_format.h: kLabelUpdating, ...
  uint16_t nlabel = 1;  // as LabelVersion::nlabel
  uint16_t position = 0;
  uint64_t isetcookie = 0;
  uint64_t lbasize = 0;   // bytes; 0 stands for 512
  uint64_t dpa = 0;       // bytes, in this DIMM's address space
  uint64_t rawsize = 0;   // bytes on this DIMM
  Uuid type_guid;         // v1.2; nil elsewhere
  Uuid abstraction_guid;  // v1.2 and CXL; nil in v1.1
  Uuid region_uuid;       // CXL, instead of isetcookie and type_guid; nil elsewhere
  friend bool operator==(const NamespaceLabel&, const NamespaceLabel&) = default;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_NAMESPACE_LABEL_H_
