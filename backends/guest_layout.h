// SPDX-License-Identifier: Apache-2.0
// The addresses of regions in the machine's address space, and how to describe them.
//
// The kernel checks the alignment of info blocks against addresses: a block that fits at one
// address is refused at another. QEMU's rule was observed with QEMU 7.2 (`info memory-devices`):
// device memory starts at the first GiB boundary after the guest's memory above 4 GiB, and each
// NVDIMM of 4 KiB pages follows the one before it without a gap.
#ifndef NVDIMMFS_BACKENDS_GUEST_LAYOUT_H_
#define NVDIMMFS_BACKENDS_GUEST_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends {

// Exclusive upper limit of addresses. The upper half of the address space belongs to the kernel,
// and no file is larger.
inline constexpr uint64_t kMostAddress = uint64_t{1} << 62;

// The default memory of a guest: what `nvdimmfs create` prints for QEMU's -m.
inline constexpr uint64_t kGuestMemory = uint64_t{1} << 30;

// Whether a region of `size` bytes may start at `address`: a multiple of 4096, and all of it below
// kMostAddress.
bool IsRegionAddress(uint64_t address, uint64_t size);

// Whether QEMU's -m accepts this many bytes: a multiple of 1 MiB, not 0, at most 4096 TiB (the
// address space of current CPUs).
bool IsGuestMemory(uint64_t bytes);

// Thread rules: a plain value.
class AddressLayout {
 public:
  // Each region at the next GiB boundary, from 4 GiB on.
  AddressLayout() = default;
  // As QEMU packs the NVDIMMs of a guest with `memory` bytes (`-m`). `machine` is "qemu" (-machine
  // q35) or "qemu-pc" (-machine pc); nothing for any other word. `memory` satisfies IsGuestMemory.
  static std::optional<AddressLayout> Of(absl::string_view machine, uint64_t memory);

  // The address of a region when the addresses below `taken` are taken.
  uint64_t NextAddress(uint64_t taken) const;
  // For messages: "each region is at the next GiB boundary".
  const std::string& description() const { return description_; }

 private:
  uint64_t first_ = core::kFirstRegionAddress;
  uint64_t align_ = core::kRegionAddressAlign;
  std::string description_ = "each region is at the next GiB boundary";
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_GUEST_LAYOUT_H_
