// SPDX-License-Identifier: Apache-2.0
// Gives up one label that blocks a repair, at a user's request.
#ifndef NVDIMMFS_CORE_LABELS_GIVE_UP_SLOT_H_
#define NVDIMMFS_CORE_LABELS_GIVE_UP_SLOT_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "core/labels/label_repair.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

// Frees a slot in use whose label cannot be read; without a valid index, fills the slot with zeros.
// `keep` is called before anything is stored. Refused with EINVAL, "label.slot.range"; with EBUSY,
// "label.slot.in_use", if the label is readable; and with ENOENT, "label.slot.free", if the slot
// holds nothing.
absl::Status GiveUpSlot(const std::shared_ptr<Media>& area, uint32_t slot,
                        const LabelRepairOptions& options,
                        const std::function<absl::Status()>& keep);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_GIVE_UP_SLOT_H_
