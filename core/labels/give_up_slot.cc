// SPDX-License-Identifier: Apache-2.0
#include "core/labels/give_up_slot.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/area_reading.h"
#include "core/labels/durable_store.h"
#include "core/labels/label_area.h"

namespace nvdimmfs::core {
namespace {

absl::Status NoSuchSlot(uint32_t slot, uint32_t count) {
  return Refusal(EINVAL, "label.slot.range",
                 absl::StrCat("there is no slot ", slot, "; the area has ", count, " slots"));
}

absl::Status NothingThere(uint32_t slot) {
  return Refusal(ENOENT, "label.slot.free",
                 absl::StrCat("slot ", slot, " does not hold a label that blocks a repair"));
}

// In an area without an index.
absl::Status ZeroSlot(Media& media, uint32_t slot, const LabelRepairOptions& options,
                      const std::function<absl::Status()>& keep) {
  ASSIGN_OR_RETURN(const std::vector<AreaReading> readings,
                   ReadWithoutIndex(media, options.capacity));
  const AreaReading& reading = MostLabels(readings);
  const LabelGeometry& geometry = reading.geometry;
  if (slot >= geometry.slot_count) return NoSuchSlot(slot, geometry.slot_count);
  if (std::none_of(reading.labels.begin(), reading.labels.end(),
                   [slot](const SlotLabel& label) { return label.slot == slot; }))
    return NothingThere(slot);
  RETURN_IF_ERROR(keep());
  const std::vector<std::byte> zeros(geometry.label_size);
  return WriteDurably(media, geometry.slot_offset(slot), zeros);
}

}  // namespace

absl::Status GiveUpSlot(const std::shared_ptr<Media>& media, uint32_t slot,
                        const LabelRepairOptions& options,
                        const std::function<absl::Status()>& keep) {
  ASSIGN_OR_RETURN(LabelArea area, LabelArea::Open(media, *options.expected));
  if (!area.has_index()) return ZeroSlot(*media, slot, options, keep);
  RETURN_IF_ERROR(area.CheckWritable());
  if (slot >= area.slot_count()) return NoSuchSlot(slot, area.slot_count());
  const std::vector<uint32_t> unreadable = area.UnreadableSlots();
  if (std::binary_search(unreadable.begin(), unreadable.end(), slot)) {
    RETURN_IF_ERROR(keep());
    return area.Update(std::nullopt, {slot}).status();
  }
  for (const StoredLabel& stored : area.labels())
    if (stored.slot == slot)
      return Refusal(EBUSY, "label.slot.in_use",
                     absl::StrCat("slot ", slot, " holds the label of namespace ",
                                  stored.label.uuid.ToString(), ": destroy that in a mount"));
  return NothingThere(slot);
}

}  // namespace nvdimmfs::core
