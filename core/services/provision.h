// SPDX-License-Identifier: Apache-2.0
// Creates and destroys a namespace in one step: one line written to x/create does what `ndctl
// create-namespace` does with a dozen attribute writes.
#ifndef NVDIMMFS_CORE_SERVICES_PROVISION_H_
#define NVDIMMFS_CORE_SERVICES_PROVISION_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class Region;

// `line` consists of key=value words (core/base/words.h): size= (K, M, G, T; default: all free
// space), mode= (raw, sector, fsdax, devdax; default: raw), name=, uuid=, sector_size=, align=,
// map= (dev, mem). All or nothing: a refusal leaves the region unchanged. A region without labels
// gets them first if its DIMMs have blank label areas. Refused as Region::CheckLabels says, and
// with EUCLEAN, "label.slots.unreadable", if a label in use cannot be read. region.last_created()
// then names the new namespace.
absl::Status CreateNamespace(Region& region, absl::string_view line);

// `name` is a namespace of the region. Disables it, wipes the info blocks at its start and frees
// its space. Refused with EBUSY while its file is open.
absl::Status DestroyNamespace(Region& region, absl::string_view name);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_PROVISION_H_
