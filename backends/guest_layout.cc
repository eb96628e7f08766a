// SPDX-License-Identifier: Apache-2.0
#include "backends/guest_layout.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/range.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMib = uint64_t{1} << 20;
constexpr uint64_t kMostMemory = uint64_t{1} << 52;

// A guest with at least `split` bytes of memory has `low` of them below 4 GiB and the rest above; a
// smaller guest has all of them below.
struct Machine {
  absl::string_view word;
  absl::string_view option;  // QEMU's
  uint64_t split;
  uint64_t low;
};

constexpr Machine kMachines[] = {
    {"qemu", "q35", 2816 * kMib, 2048 * kMib},
    {"qemu-pc", "pc", 3584 * kMib, 3072 * kMib},
};

}  // namespace

bool IsRegionAddress(uint64_t address, uint64_t size) {
  return address % kPage == 0 && address < kMostAddress && size <= kMostAddress - address;
}

bool IsGuestMemory(uint64_t bytes) {
  return bytes != 0 && bytes % kMib == 0 && bytes <= kMostMemory;
}

std::optional<AddressLayout> AddressLayout::Of(absl::string_view machine, uint64_t memory) {
  for (const Machine& known : kMachines) {
    if (known.word != machine) continue;
    const uint64_t above = memory >= known.split ? memory - known.low : 0;
    AddressLayout layout;
    layout.first_ = core::RoundUp(core::kFirstRegionAddress + above, core::kRegionAddressAlign);
    layout.align_ = kPage;
    layout.description_ =
        absl::StrCat("regions are packed as QEMU packs the NVDIMMs of a guest with -machine ",
                     known.option, " -m ", memory / kMib, "M");
    return layout;
  }
  return std::nullopt;
}

uint64_t AddressLayout::NextAddress(uint64_t taken) const {
  return std::max(first_, core::RoundUp(taken, align_));
}

}  // namespace nvdimmfs::backends
