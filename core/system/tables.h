// SPDX-License-Identifier: Apache-2.0
// The attribute tables of devices with attributes implemented by services, each in its own file.
// (The tables of other devices are in the devices' own files.)
#ifndef NVDIMMFS_CORE_SYSTEM_TABLES_H_
#define NVDIMMFS_CORE_SYSTEM_TABLES_H_

#include "absl/types/span.h"
#include "core/model/attribute.h"

namespace nvdimmfs::core {

absl::Span<const Attribute> NdBusAttributes();              // bus/nd: nd_bus_attributes.cc
absl::Span<const Attribute> BusAttributes();                // ndbus0
absl::Span<const Attribute> ControlAttributes();            // ndctl0
absl::Span<const Attribute> DimmAttributes();               // nmem0
absl::Span<const Attribute> RegionAttributes();             // region0
absl::Span<const Attribute> LabelledNamespaceAttributes();  // namespace0.0: namespace_attributes.cc
absl::Span<const Attribute> WholeNamespaceAttributes();     // without labels

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_TABLES_H_
