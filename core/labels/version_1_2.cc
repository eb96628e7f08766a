// SPDX-License-Identifier: Apache-2.0
// Label version 1.2 (UEFI 2.7, "NVDIMM label protocol"): a label of version 1.1, two GUIDs and a
// checksum, 256 bytes.
#include <algorithm>
#include <cstring>

#include "core/base/status.h"
#include "core/labels/label_fields.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"
#include "core/labels/version_1_1.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kChecksum = offsetof(NamespaceLabelV1_2, checksum);
constexpr LabelField kCopyFields[] = {{offsetof(NamespaceLabelV1_1, slot), 4},
                                      {offsetof(NamespaceLabelV1_1, flags), 4},
                                      {kChecksum, 8}};

Uuid GuidAt(absl::Span<const std::byte> bytes, size_t offset) {
  Uuid::Bytes guid;
  std::memcpy(guid.data(), bytes.data() + offset, guid.size());
  return Uuid::FromGuidOrder(guid);
}

void StoreGuid(const Uuid& uuid, size_t offset, std::vector<std::byte>& bytes) {
  const Uuid::Bytes guid = uuid.guid_order();
  std::memcpy(bytes.data() + offset, guid.data(), guid.size());
}

class Version1_2 final : public Version1_1 {
 public:
  LabelVersionNumber number() const override { return {1, 2}; }
  uint32_t label_size() const override { return kLabelSizeV1_2; }

  absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes, uint32_t slot) const override {
    ASSIGN_OR_RETURN(AnyLabel label, Version1_1::Parse(bytes, slot));
    RETURN_IF_ERROR(CheckSlotSeal(slot, bytes, kChecksum));
    auto& ns = std::get<NamespaceLabel>(label);
    ns.type_guid = GuidAt(bytes, offsetof(NamespaceLabelV1_2, type_guid));
    ns.abstraction_guid = GuidAt(bytes, offsetof(NamespaceLabelV1_2, abstraction_guid));
    return label;
  }

  std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const override {
    const auto& ns = std::get<NamespaceLabel>(label);
    std::vector<std::byte> bytes = Version1_1::Encode(label, slot);
    StoreGuid(ns.type_guid, offsetof(NamespaceLabelV1_2, type_guid), bytes);
    StoreGuid(ns.abstraction_guid, offsetof(NamespaceLabelV1_2, abstraction_guid), bytes);
    SealLabel(absl::MakeSpan(bytes), kChecksum);
    return bytes;
  }

  std::optional<size_t> checksum_offset() const override { return kChecksum; }

  bool IsAsWritten(absl::Span<const std::byte> bytes) const override {
    const auto reserved =
        bytes.subspan(offsetof(NamespaceLabelV1_2, reserved), sizeof NamespaceLabelV1_2{}.reserved);
    return Version1_1::IsAsWritten(bytes) &&
           std::all_of(reserved.begin(), reserved.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
  }

  absl::Span<const LabelField> CopyFields(const AnyLabel&) const override { return kCopyFields; }

  uint64_t CookieOf(const SetCookies& cookies) const override { return cookies.v1_2; }
  bool IsOfRangeType(const NamespaceLabel& label, const Uuid& type) const override {
    return label.type_guid == type;
  }
  ClaimClass btt_class() const override { return ClaimClass::kBtt2; }
};

}  // namespace

const LabelVersion& LabelV1_2() {
  static const Version1_2* const kVersion = new Version1_2;
  return *kVersion;
}

}  // namespace nvdimmfs::core
