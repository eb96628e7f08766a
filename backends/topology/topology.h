// SPDX-License-Identifier: Apache-2.0
// A topology file: buses, their DIMMs and regions in TOML. (An image on its own is one QEMU DIMM.)
// The keys: topology.md.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOPOLOGY_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOPOLOGY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/image_backend.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

// Opens every image that the file at `path` names; images are relative to its directory. The
// options read_only, force and durability apply to all of them. Refusals start with
// "path:line:column: ". Refused as toml_reader.h says, as backends/image_backend.h says for images,
// and with EINVAL, "toml.value", if the file contradicts itself.
absl::StatusOr<std::vector<core::BusSource>> OpenTopology(const std::string& path,
                                                          const ImageOptions& options);

// The same for `text`, which is treated as the contents of the file at `path`.
absl::StatusOr<std::vector<core::BusSource>> ParseTopology(absl::string_view text,
                                                           const std::string& path,
                                                           const ImageOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOPOLOGY_H_
