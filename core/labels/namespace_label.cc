#include "core/labels/namespace_label.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/fletcher64.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

NamespaceLabelV1_1 EncodeBase(const NamespaceLabel& label, uint32_t slot) {
  NamespaceLabelV1_1 base{};
  base.uuid = label.uuid.bytes();
  base.name = NameField(label.name);
  base.flags = label.flags;
  base.nlabel = label.nlabel;
  base.position = label.position;
  base.isetcookie = label.isetcookie;
  base.lbasize = label.lbasize;
  base.dpa = label.dpa;
  base.rawsize = label.rawsize;
  base.slot = slot;
  return base;
}

}  // namespace

std::array<char, kLabelNameBytes> NameField(const std::string& name) {
  std::array<char, kLabelNameBytes> field{};
  const std::string text = name.substr(0, name.find('\0'));
  std::copy_n(text.begin(), std::min(text.size(), kLabelNameBytes - 1), field.begin());
  return field;
}

std::string NameOf(const std::array<char, kLabelNameBytes>& field) {
  // Someone else's writer may have filled all 64 bytes.
  const auto end = std::find(field.begin(), field.end() - 1, '\0');
  return std::string(field.begin(), end);
}

absl::Status WrongSlot(uint32_t slot, uint32_t stated) {
  return Refusal(EINVAL, "label.slot.number",
                 absl::StrCat("label in slot ", slot, " says it is in slot ", stated,
                              "; skipped, the slot stays in use"));
}

absl::Status WrongChecksum(uint32_t slot, uint64_t stored, uint64_t computed) {
  return Refusal(
      EINVAL, "label.slot.checksum",
      absl::StrCat("label in slot ", slot, " fails its checksum (stored 0x", absl::Hex(stored),
                   ", computed 0x", absl::Hex(computed), "); skipped, the slot stays in use"));
}

std::vector<std::byte> EncodeLabel(const NamespaceLabel& label, uint32_t slot,
                                   uint32_t label_size) {
  NamespaceLabelV1_2 full{};
  full.base = EncodeBase(label, slot);
  std::vector<std::byte> bytes(label_size);
  if (label_size == kLabelSizeV1_2) {
    full.type_guid = label.type_guid.guid_order();
    full.abstraction_guid = label.abstraction_guid.guid_order();
  }
  std::memcpy(bytes.data(), &full, label_size);
  if (label_size == kLabelSizeV1_2)
    StoreLe(bytes.data() + offsetof(NamespaceLabelV1_2, checksum),
            Fletcher64(bytes, offsetof(NamespaceLabelV1_2, checksum)));
  return bytes;
}

absl::StatusOr<NamespaceLabel> ParseLabel(absl::Span<const std::byte> bytes, uint32_t slot) {
  NamespaceLabelV1_2 full{};
  std::memcpy(static_cast<void*>(&full), bytes.data(), std::min(bytes.size(), sizeof full));
  const NamespaceLabelV1_1& base = full.base;
  if (base.slot != slot) return WrongSlot(slot, base.slot);
  if (bytes.size() == kLabelSizeV1_2) {
    const uint64_t computed = Fletcher64(bytes, offsetof(NamespaceLabelV1_2, checksum));
    if (full.checksum != computed) return WrongChecksum(slot, full.checksum, computed);
  }
  return NamespaceLabel{.uuid = Uuid(base.uuid),
                        .name = NameOf(base.name),
                        .flags = base.flags,
                        .nlabel = base.nlabel,
                        .position = base.position,
                        .isetcookie = base.isetcookie,
                        .lbasize = base.lbasize,
                        .dpa = base.dpa,
                        .rawsize = base.rawsize,
                        .type_guid = Uuid::FromGuidOrder(full.type_guid),
                        .abstraction_guid = Uuid::FromGuidOrder(full.abstraction_guid),
                        .region_uuid = {}};
}

}  // namespace nvdimmfs::core
