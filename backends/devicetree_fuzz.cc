// SPDX-License-Identifier: Apache-2.0
// Hostile device trees: whatever the bytes, reading them ends and stays in bounds, and what is
// found is sound.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/types/span.h"
#include "backends/devicetree_backend.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nvdimmfs;  // NOLINT: the entry point has C linkage
  const auto nodes =
      backends::FindPmemNodes(absl::MakeConstSpan(reinterpret_cast<const std::byte*>(data), size));
  if (!nodes.ok()) return 0;
  for (const backends::PmemNode& node : *nodes) {
    if (node.path.empty() || node.device.empty()) std::abort();
    for (const core::Range& range : node.ranges)
      if (range.empty() || !core::MakeRange(range.start, range.size)) std::abort();
  }
  return 0;
}
