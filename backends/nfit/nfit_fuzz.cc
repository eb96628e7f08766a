// SPDX-License-Identifier: Apache-2.0
// Hostile tables: whatever the bytes, reading them ends and stays in bounds; what is accepted is
// written and read again to the same effect, and what is derived from it hangs together.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/types/span.h"
#include "backends/nfit/nfit_topology.h"
#include "core/base/range.h"

namespace nvdimmfs::backends {
namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

void CheckTopology(const NfitTopology& topology) {
  for (const NfitRegion& region : topology.regions) {
    Demand(core::MakeRange(region.spa.start, region.spa.size).has_value());
    Demand(!region.spa.empty() && region.mappings.size() <= 32);
    uint64_t sum = 0;
    for (const core::MappingSource& mapping : region.mappings) {
      Demand(mapping.dimm < topology.dimms.size());
      Demand(mapping.dpa.end() <= topology.dimms[mapping.dimm].capacity);
      sum += mapping.dpa.size;
    }
    Demand(region.mappings.empty() || sum == region.spa.size);
    Demand(region.granularity == 0 || core::IsPowerOfTwo(region.granularity));
  }
  for (size_t i = 1; i < topology.dimms.size(); ++i)
    Demand(topology.dimms[i - 1].identity.handle < topology.dimms[i].identity.handle);
}

void TryTable(absl::Span<const std::byte> bytes) {
  const auto table = ParseNfit(bytes);
  if (!table.ok()) return;
  const auto again = ParseNfit(WriteNfit(*table));
  Demand(again.ok());
  Demand(WriteNfit(*again) == WriteNfit(*table));
  const auto topology = DeriveTopology(*table);
  if (topology.ok()) CheckTopology(*topology);
}

}  // namespace
}  // namespace nvdimmfs::backends

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nvdimmfs::backends;  // NOLINT: the entry point has C linkage
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = std::byte{data[i]};
  TryTable(bytes);
  // The same with correct length and sum, so that mutations get past these checks.
  if (size < kNfitHeaderSize) return 0;
  for (size_t i = 0; i < kNfitSignature.size(); ++i) bytes[i] = std::byte(kNfitSignature[i]);
  for (size_t i = 0; i < 4; ++i) bytes[4 + i] = std::byte(size >> (8 * i));
  bytes[9] = std::byte{0};
  uint8_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<uint8_t>(byte);
  bytes[9] = std::byte{static_cast<uint8_t>(-sum)};
  TryTable(bytes);
  return 0;
}
