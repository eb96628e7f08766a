// SPDX-License-Identifier: Apache-2.0
// Making and destroying a namespace in one step: what `ndctl create-namespace` does with a dozen
// attribute writes, as one line written to x/create.
#ifndef NVDIMMFS_CORE_SERVICES_PROVISION_H_
#define NVDIMMFS_CORE_SERVICES_PROVISION_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class Region;

// `line` is words of the form key=value (core/base/words.h): size= (K, M, G, T; all that is free
// when left out), mode= (raw, sector, fsdax, devdax; raw when left out), name=, uuid=,
// sector_size=, align=, map= (dev, mem). All or nothing: a refusal leaves the region as it was. A
// region without labels gets them first where its DIMMs have a blank label area. Refused as
// Region::CheckLabels says, and with EUCLEAN, "label.slots.unreadable", where a label in use cannot
// be read. The name of the namespace is then region.last_created().
absl::Status CreateNamespace(Region& region, absl::string_view line);

// `name` is a namespace of the region. Disables it, wipes the info blocks at its start, frees its
// space. Refused with EBUSY while its file is open.
absl::Status DestroyNamespace(Region& region, absl::string_view name);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_PROVISION_H_
