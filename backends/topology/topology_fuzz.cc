// SPDX-License-Identifier: Apache-2.0
// Hostile topology files: whatever the text, reading it ends, within the memory and the stack that
// its length allows, and the buses that it makes can be shown. Images are named in a folder that
// does not exist: only missing DIMMs come to be.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/strings/string_view.h"
#include "backends/topology/topology.h"
#include "btt/btt_layer.h"
#include "core/base/status.h"
#include "core/system/system.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nvdimmfs;  // NOLINT: the entry point has C linkage
  const auto buses =
      backends::ParseTopology(absl::string_view(reinterpret_cast<const char*>(data), size),
                              "/nonexistent/t.toml", {.read_only = true});
  if (!buses.ok()) {
    if (core::ReasonOf(buses.status()).empty() || buses.status().message().empty()) std::abort();
    return 0;
  }
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  for (const core::BusSource& bus : *buses)
    if (!system.AddBus(bus).ok()) break;
  return 0;
}
