// The attribute table of a region.
#ifndef NVDIMMFS_CORE_REGION_ATTRIBUTES_H_
#define NVDIMMFS_CORE_REGION_ATTRIBUTES_H_

#include "absl/types/span.h"
#include "core/attribute.h"

namespace nvdimmfs::core {

absl::Span<const Attribute> RegionAttributes();

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_REGION_ATTRIBUTES_H_
