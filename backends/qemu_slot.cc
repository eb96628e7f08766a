// SPDX-License-Identifier: Apache-2.0
#include "backends/qemu_slot.h"

#include "absl/strings/str_cat.h"
#include "core/labels/interleave_set.h"
#include "core/labels/label_area.h"

namespace nvdimmfs::backends {
namespace {

// The slot for whose DIMM all labels were written.
std::optional<uint32_t> SlotOfLabels(const core::DimmSource& dimm) {
  if (dimm.labels == nullptr) return std::nullopt;
  const auto area = core::LabelArea::Open(dimm.labels);
  if (!area.ok() || !area->version().has_cookie() || area->labels().empty()) return std::nullopt;
  const uint64_t cookie = area->labels()[0].label.isetcookie;
  for (const core::StoredLabel& stored : area->labels())
    if (stored.label.isetcookie != cookie || stored.label.nlabel != 1) return std::nullopt;
  for (uint32_t slot = 0; slot < kQemuSlots; ++slot) {
    const core::DimmIdentity identity = QemuIdentity(slot);
    const core::SetMember member{.serial = identity.serial, .vendor = identity.vendor};
    const core::SetCookies cookies = core::ComputeSetCookies({&member, 1});
    if (area->version().CookieOf(cookies) == cookie) return slot;
  }
  return std::nullopt;
}

}  // namespace

core::DimmIdentity QemuIdentity(uint32_t slot) {
  core::DimmIdentity identity;
  identity.handle = slot + 1;
  identity.vendor = 0x8086;
  identity.device = 1;
  identity.revision = 1;
  identity.serial = 0x123456 + slot;
  identity.interface_code = 0x0301;
  return identity;
}

void Identify(uint32_t slot, const SlotWish& wish, core::DimmSource& dimm) {
  if (!wish.slot && !wish.serial) {
    const uint32_t found = SlotOfLabels(dimm).value_or(slot);
    if (found != slot)
      dimm.findings.push_back(
          {"image.slot.note", dimm.label_offset,
           absl::StrCat("its labels are those of the DIMM in QEMU's slot ", found,
                        ", and it is shown as that one, with serial 0x",
                        absl::Hex(QemuIdentity(found).serial),
                        ". A guest sees its namespaces with -device nvdimm,slot=", found,
                        " alone. Say slot=", found, " to confirm it")});
    slot = found;
  }
  dimm.identity = QemuIdentity(wish.slot.value_or(slot));
  if (wish.serial) dimm.identity.serial = *wish.serial;
}

}  // namespace nvdimmfs::backends
