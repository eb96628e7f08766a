// The attribute table of a region.
#ifndef NVDIMMFS_CORE_DEVICES_REGION_ATTRIBUTES_H_
#define NVDIMMFS_CORE_DEVICES_REGION_ATTRIBUTES_H_

#include "absl/types/span.h"
#include "core/devices/attribute.h"

namespace nvdimmfs::core {

absl::Span<const Attribute> RegionAttributes();

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_REGION_ATTRIBUTES_H_
