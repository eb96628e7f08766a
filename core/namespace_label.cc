#include "core/namespace_label.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/fletcher64.h"
#include "core/label_format.h"
#include "core/status.h"

namespace nvdimmfs::core {
namespace {

std::string NameOf(const std::array<char, kLabelNameBytes>& field) {
  // Someone else's writer may have filled all 64 bytes.
  const auto end = std::find(field.begin(), field.end() - 1, '\0');
  return std::string(field.begin(), end);
}

NamespaceLabelV1_1 EncodeBase(const NamespaceLabel& label, uint32_t slot) {
  NamespaceLabelV1_1 base{};
  base.uuid = label.uuid.bytes();
  const std::string name = label.name.substr(0, label.name.find('\0'));
  std::copy_n(name.begin(), std::min(name.size(), kLabelNameBytes - 1), base.name.begin());
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
  if (base.slot != slot)
    return Refusal(EINVAL, "label.slot.number",
                   absl::StrCat("label in slot ", slot, " says it is in slot ", uint32_t{base.slot},
                                "; skipped, the slot stays in use"));
  if (bytes.size() == kLabelSizeV1_2) {
    const uint64_t computed = Fletcher64(bytes, offsetof(NamespaceLabelV1_2, checksum));
    if (full.checksum != computed)
      return Refusal(EINVAL, "label.slot.checksum",
                     absl::StrCat("label in slot ", slot, " fails its checksum (stored 0x",
                                  absl::Hex(uint64_t{full.checksum}), ", computed 0x",
                                  absl::Hex(computed), "); skipped, the slot stays in use"));
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
                        .abstraction_guid = Uuid::FromGuidOrder(full.abstraction_guid)};
}

}  // namespace nvdimmfs::core
