// SPDX-License-Identifier: Apache-2.0
// Every key of topology files, once: topology.md and nvdimmfs(8) print the table, the fuzz
// dictionary uses its words, and tools/docs/sections_test.cc compares it with the keys that the
// reader accepts.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOPOLOGY_KEYS_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOPOLOGY_KEYS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nvdimmfs::backends {

struct TopologyKey {
  absl::string_view table;  // "bus.dimm"; "" is the top of the file
  absl::string_view name;
  absl::string_view type;      // backquotes enclose literal words
  absl::string_view fallback;  // the default; or "required"; "" for one of several alternatives
  absl::string_view meaning;
};

// In order of the tables, and within each in the order of the page.
absl::Span<const TopologyKey> TopologyKeys();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOPOLOGY_KEYS_H_
