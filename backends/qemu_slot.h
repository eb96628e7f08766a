// SPDX-License-Identifier: Apache-2.0
// The identity that QEMU's NFIT gives to the DIMM in a slot, and the slot that labels speak of:
// their set cookie is a checksum of the DIMM's serial number.
#ifndef NVDIMMFS_BACKENDS_QEMU_SLOT_H_
#define NVDIMMFS_BACKENDS_QEMU_SLOT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::backends {

inline constexpr uint32_t kQemuSlots = 256;  // QEMU has at most so many

// What QEMU's NFIT says of the DIMM in `slot`.
core::DimmIdentity QemuIdentity(uint32_t slot);

// What a caller says of a DIMM's place.
struct SlotWish {
  std::optional<uint32_t> slot = std::nullopt;    // of QEMU; below kQemuSlots
  std::optional<uint32_t> serial = std::nullopt;  // in place of that slot's
};

// Gives `dimm`, which is a region by itself, its identity. What the wish does not say the labels
// do, where all of them were written for the DIMM of one slot of QEMU's (a note of the source says
// so, unless that is `slot`); else it is that of `slot`. Thread rules: any thread; reads the label
// area only.
void Identify(uint32_t slot, const SlotWish& wish, core::DimmSource& dimm);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_QEMU_SLOT_H_
