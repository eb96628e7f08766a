// SPDX-License-Identifier: Apache-2.0
// The labels of CXL 2.1 (section 9.13.2), under an index of version 2.1: namespace labels and
// region labels of 256 bytes each, distinguished by the type at their start.
#include <bit>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/labels/label_fields.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kChecksum = offsetof(CxlNamespaceLabel, checksum);
static_assert(offsetof(CxlRegionLabel, checksum) == kChecksum);

constexpr Uuid kTypes[] = {kCxlNamespaceLabelType, kCxlRegionLabelType};
constexpr LabelField kNamespaceCopyFields[] = {{offsetof(CxlNamespaceLabel, slot), 4},
                                               {offsetof(CxlNamespaceLabel, flags), 4},
                                               {kChecksum, 8}};
constexpr LabelField kRegionCopyFields[] = {
    {offsetof(CxlRegionLabel, slot), 4}, {offsetof(CxlRegionLabel, flags), 4}, {kChecksum, 8}};

template <typename Layout>
std::vector<std::byte> Seal(const Layout& layout) {
  std::vector<std::byte> bytes(sizeof layout);
  std::memcpy(bytes.data(), &layout, sizeof layout);
  SealLabel(absl::MakeSpan(bytes), kChecksum);
  return bytes;
}

template <typename Layout>
Layout Load(absl::Span<const std::byte> bytes) {
  Layout layout{};
  std::memcpy(static_cast<void*>(&layout), bytes.data(), sizeof layout);
  return layout;
}

Uuid TypeOf(absl::Span<const std::byte> bytes) {
  Uuid::Bytes type{};
  if (bytes.size() >= kLabelSizeV1_2) std::memcpy(type.data(), bytes.data(), type.size());
  return Uuid(type);
}

absl::StatusOr<AnyLabel> ParseNamespace(absl::Span<const std::byte> bytes, uint32_t slot) {
  const auto layout = Load<CxlNamespaceLabel>(bytes);
  RETURN_IF_ERROR(CheckSlotNumber(slot, layout.slot));
  RETURN_IF_ERROR(CheckSlotSeal(slot, bytes, kChecksum));
  return NamespaceLabel{.uuid = Uuid(layout.uuid),
                        .name = NameOf(layout.name),
                        .flags = layout.flags,
                        .nlabel = layout.nrange,
                        .position = layout.position,
                        .lbasize = uint64_t{uint16_t{layout.lbasize}},
                        .dpa = layout.dpa,
                        .rawsize = layout.rawsize,
                        .type_guid = {},
                        .abstraction_guid = Uuid(layout.abstraction_uuid),
                        .region_uuid = Uuid(layout.region_uuid)};
}

// Also refused with "label.slot.region" if ways, position or granularity are impossible.
absl::StatusOr<AnyLabel> ParseRegion(absl::Span<const std::byte> bytes, uint32_t slot) {
  const auto layout = Load<CxlRegionLabel>(bytes);
  RETURN_IF_ERROR(CheckSlotNumber(slot, layout.slot));
  RETURN_IF_ERROR(CheckSlotSeal(slot, bytes, kChecksum));
  const uint16_t ways = layout.nlabel;
  const uint32_t shift = layout.granularity;
  if (ways == 0 || ways > kMaxLabelWays || layout.position >= ways ||
      shift > static_cast<uint32_t>(std::countr_zero(kMaxLabelGranularity / 256)))
    return Refusal(EINVAL, "label.slot.region",
                   absl::StrCat("region label in slot ", slot, " states ", ways, " ways, position ",
                                uint16_t{layout.position}, " and a granularity of 256 << ", shift,
                                ", which is impossible; skipped, the slot stays in use"));
  return RegionLabel{.uuid = Uuid(layout.uuid),
                     .flags = layout.flags,
                     .ways = ways,
                     .position = layout.position,
                     .dpa = layout.dpa,
                     .rawsize = layout.rawsize,
                     .hpa = layout.hpa,
                     .granularity = uint64_t{256} << shift,
                     .align = layout.align};
}

// The specification has no isetcookie and no type, and 16 bits for the sector size.
std::vector<std::byte> EncodeNamespace(const NamespaceLabel& label, uint32_t slot) {
  CxlNamespaceLabel layout{};
  layout.type = kCxlNamespaceLabelType.bytes();
  layout.uuid = label.uuid.bytes();
  layout.name = NameField(label.name);
  layout.flags = label.flags & kLabelUpdating;
  layout.nrange = label.nlabel;
  layout.position = label.position;
  layout.dpa = label.dpa;
  layout.rawsize = label.rawsize;
  layout.slot = slot;
  layout.region_uuid = label.region_uuid.bytes();
  layout.abstraction_uuid = label.abstraction_guid.bytes();
  layout.lbasize = static_cast<uint16_t>(label.lbasize);
  return Seal(layout);
}

std::vector<std::byte> EncodeRegion(const RegionLabel& label, uint32_t slot) {
  CxlRegionLabel layout{};
  layout.type = kCxlRegionLabelType.bytes();
  layout.uuid = label.uuid.bytes();
  layout.flags = label.flags & kLabelUpdating;
  layout.nlabel = label.ways;
  layout.position = label.position;
  layout.dpa = label.dpa;
  layout.rawsize = label.rawsize;
  layout.hpa = label.hpa;
  layout.slot = slot;
  layout.granularity = static_cast<uint32_t>(std::countr_zero(label.granularity / 256));
  layout.align = label.align;
  return Seal(layout);
}

class CxlVersion final : public LabelVersion {
 public:
  LabelVersionNumber number() const override { return {2, 1}; }
  uint32_t label_size() const override { return kLabelSizeV1_2; }
  absl::Span<const Uuid> types() const override { return kTypes; }
  // An index of a later version may precede them; the types decide.
  bool MayLieUnder(LabelVersionNumber index) const override { return index >= number(); }

  // Also refused with "label.slot.type" if a label is of neither kind.
  absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes, uint32_t slot) const override {
    const Uuid type = TypeOf(bytes);
    if (type == kCxlNamespaceLabelType) return ParseNamespace(bytes, slot);
    if (type == kCxlRegionLabelType) return ParseRegion(bytes, slot);
    return Refusal(EINVAL, "label.slot.type",
                   absl::StrCat("label in slot ", slot, " is of type ", type.ToString(),
                                ", which is neither a namespace nor a region; skipped, the slot "
                                "stays in use"));
  }

  std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const override {
    if (const auto* region = std::get_if<RegionLabel>(&label)) return EncodeRegion(*region, slot);
    return EncodeNamespace(std::get<NamespaceLabel>(label), slot);
  }

  std::optional<size_t> checksum_offset() const override { return kChecksum; }

  uint32_t StatedSlot(absl::Span<const std::byte> bytes) const override {
    return LoadLe<uint32_t>(bytes.data() + (TypeOf(bytes) == kCxlRegionLabelType
                                                ? offsetof(CxlRegionLabel, slot)
                                                : offsetof(CxlNamespaceLabel, slot)));
  }

  // The checksum is sufficient.
  bool IsAsWritten(absl::Span<const std::byte>) const override { return true; }

  absl::Span<const LabelField> CopyFields(const AnyLabel& label) const override {
    if (std::holds_alternative<RegionLabel>(label)) return kRegionCopyFields;
    return kNamespaceCopyFields;
  }

  bool has_cookie() const override { return false; }
  bool IsOfSet(const NamespaceLabel& label, uint64_t, const Uuid& region) const override {
    return label.region_uuid == region;
  }
  // The number of pieces that the namespace has on this device (nrange), not of devices: the
  // region's label has that.
  uint16_t nlabel(size_t) const override { return 1; }
  std::optional<uint16_t> StatedWays(const NamespaceLabel&) const override { return std::nullopt; }
  bool has_region_labels() const override { return true; }
};

}  // namespace

const LabelVersion& LabelV2_1() {
  static const CxlVersion* const kVersion = new CxlVersion;
  return *kVersion;
}

}  // namespace nvdimmfs::core
