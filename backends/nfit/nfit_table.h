// SPDX-License-Identifier: Apache-2.0
// Parses an NFIT into a checked value, and writes it.
//
// Every byte may be hostile. An accepted table has structures of correct lengths inside the table,
// and lists of the stated length. nfit_topology.h interprets the values.
#ifndef NVDIMMFS_BACKENDS_NFIT_NFIT_TABLE_H_
#define NVDIMMFS_BACKENDS_NFIT_NFIT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/nfit/nfit_format.h"
#include "core/base/finding.h"

namespace nvdimmfs::backends {

// The structures in the order of the table, sorted by type.
struct NfitTable {
  uint8_t revision = 1;
  std::vector<NfitSpaRange> ranges;
  std::vector<NfitMemoryMap> maps;
  std::vector<NfitInterleave> interleaves;
  std::vector<NfitControlRegion> controls;
  std::vector<NfitFlushHints> flushes;
  std::vector<NfitCapabilities> capabilities;
  std::vector<core::Finding> notes;  // what was skipped: reason "nfit.skipped"
};

// Refused with EINVAL and "nfit.size" (of the table), "nfit.signature", "nfit.checksum" or
// "nfit.length" (of a structure); messages name the offset. Bytes after the table's stated length
// are ignored. Thread rules: a pure function.
absl::StatusOr<NfitTable> ParseNfit(absl::Span<const std::byte> bytes);

// A table of these structures, types in ascending order, sealed with its checksum. Counts are taken
// from the lists; structures get their longer form if a field of it is set.
std::vector<std::byte> WriteNfit(const NfitTable& table);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_TABLE_H_
