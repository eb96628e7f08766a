#include "core/labels/cxl_label.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/fletcher64.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

template <typename Layout>
std::vector<std::byte> Seal(const Layout& layout) {
  std::vector<std::byte> bytes(sizeof layout);
  std::memcpy(bytes.data(), &layout, sizeof layout);
  StoreLe(bytes.data() + offsetof(Layout, checksum), Fletcher64(bytes, offsetof(Layout, checksum)));
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

template <typename Layout>
absl::Status CheckSeal(const Layout& layout, absl::Span<const std::byte> bytes, uint32_t slot) {
  if (layout.slot != slot) return WrongSlot(slot, layout.slot);
  const uint64_t computed = Fletcher64(bytes, offsetof(Layout, checksum));
  return layout.checksum == computed ? absl::OkStatus()
                                     : WrongChecksum(slot, layout.checksum, computed);
}

absl::StatusOr<CxlLabel> ParseNamespace(absl::Span<const std::byte> bytes, uint32_t slot) {
  const auto layout = Load<CxlNamespaceLabel>(bytes);
  RETURN_IF_ERROR(CheckSeal(layout, bytes, slot));
  return CxlLabel(NamespaceLabel{.uuid = Uuid(layout.uuid),
                                 .name = NameOf(layout.name),
                                 .flags = layout.flags,
                                 .nlabel = layout.nrange,
                                 .position = layout.position,
                                 .lbasize = uint64_t{uint16_t{layout.lbasize}},
                                 .dpa = layout.dpa,
                                 .rawsize = layout.rawsize,
                                 .type_guid = {},
                                 .abstraction_guid = Uuid(layout.abstraction_uuid),
                                 .region_uuid = Uuid(layout.region_uuid)});
}

absl::StatusOr<CxlLabel> ParseRegion(absl::Span<const std::byte> bytes, uint32_t slot) {
  const auto layout = Load<CxlRegionLabel>(bytes);
  RETURN_IF_ERROR(CheckSeal(layout, bytes, slot));
  const uint16_t ways = layout.nlabel;
  const uint32_t shift = layout.granularity;
  if (ways == 0 || ways > kMaxLabelWays || layout.position >= ways ||
      shift > static_cast<uint32_t>(std::countr_zero(kMaxLabelGranularity / 256)))
    return Refusal(EINVAL, "label.slot.region",
                   absl::StrCat("region label in slot ", slot, " states ", ways, " ways, position ",
                                uint16_t{layout.position}, " and a granularity of 256 << ", shift,
                                ", which cannot be; skipped, the slot stays in use"));
  return CxlLabel(RegionLabel{.uuid = Uuid(layout.uuid),
                              .flags = layout.flags,
                              .ways = ways,
                              .position = layout.position,
                              .dpa = layout.dpa,
                              .rawsize = layout.rawsize,
                              .hpa = layout.hpa,
                              .granularity = uint64_t{256} << shift,
                              .align = layout.align});
}

}  // namespace

std::vector<std::byte> EncodeCxlLabel(const NamespaceLabel& label, uint32_t slot) {
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

std::vector<std::byte> EncodeCxlLabel(const RegionLabel& label, uint32_t slot) {
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

bool HasCxlLabelType(absl::Span<const std::byte> bytes) {
  const Uuid type = TypeOf(bytes);
  return type == kCxlNamespaceLabelType || type == kCxlRegionLabelType;
}

absl::StatusOr<CxlLabel> ParseCxlLabel(absl::Span<const std::byte> bytes, uint32_t slot) {
  const Uuid type = TypeOf(bytes);
  if (type == kCxlNamespaceLabelType) return ParseNamespace(bytes, slot);
  if (type == kCxlRegionLabelType) return ParseRegion(bytes, slot);
  return Refusal(EINVAL, "label.slot.type",
                 absl::StrCat("label in slot ", slot, " is of type ", type.ToString(),
                              ", which is neither a namespace nor a region; skipped, the slot "
                              "stays in use"));
}

}  // namespace nvdimmfs::core
