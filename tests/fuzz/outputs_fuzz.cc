// SPDX-License-Identifier: Apache-2.0
// Hostile labels and info blocks: whatever they say, the system starts, and everything that the
// program prints about it is text for a terminal, XML, JSON or OpenMetrics text that the strictest
// reader takes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "btt/btt_layer.h"
#include "core/listing/schema_listing.h"
#include "core/system/system.h"
#include "core/testing/fuzz_input.h"
#include "tests/fuzz/hostile_image.h"
#include "tests/fuzz/outputs.h"

namespace nvdimmfs::fuzz {
namespace {

void Run(core::FuzzInput input) {
  const HostileImage image = HostileImage::Make(input);
  btt::BttLayer layer;
  core::System system(layer, nullptr);
  system.set_bus_lister([](core::Bus& bus) { return core::ListInSchema1(bus, "x"); });
  const absl::Status added = system.AddBus(image.Bus());
  core::Demand(added.ok(), added.message());
  JudgeOutputs(system);
}

}  // namespace
}  // namespace nvdimmfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::fuzz::Run({data, size});
  return 0;
}
