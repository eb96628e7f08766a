// SPDX-License-Identifier: Apache-2.0
// The identity that QEMU's NFIT gives to the DIMM in a slot, and the slot that labels belong to:
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

inline constexpr uint32_t kQemuSlots = 256;  // QEMU's maximum

// The identity of the DIMM in `slot` in QEMU's NFIT.
core::DimmIdentity QemuIdentity(uint32_t slot);

// A caller's request for a DIMM's identity.
struct SlotWish {
  std::optional<uint32_t> slot = std::nullopt;    // QEMU's; below kQemuSlots
  std::optional<uint32_t> serial = std::nullopt;  // instead of that slot's
};

// Sets the identity of `dimm`, which is a region by itself. Without a request, the labels determine
// the slot if all of them were written for the DIMM of one QEMU slot (a note says so unless it is
// `slot`); otherwise it is `slot`. Thread rules: any thread; reads the label area only.
void Identify(uint32_t slot, const SlotWish& wish, core::DimmSource& dimm);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_QEMU_SLOT_H_
