// SPDX-License-Identifier: Apache-2.0
#include "core/labels/version_1_1.h"

#include <algorithm>
#include <cstring>

#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/labels/label_fields.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

constexpr uint32_t kKnownFlags = kLabelReadOnly | kLabelDimmLocal | kLabelHoldsBtt | kLabelUpdating;
constexpr uint16_t kMaxWays = 32;
constexpr uint64_t kMaxSectorSize = 1 << 20;

constexpr LabelField kCopyFields[] = {{offsetof(NamespaceLabelV1_1, slot), 4},
                                      {offsetof(NamespaceLabelV1_1, flags), 4}};

NamespaceLabelV1_1 Load(absl::Span<const std::byte> bytes) {
  NamespaceLabelV1_1 layout;
  std::memcpy(static_cast<void*>(&layout), bytes.data(), sizeof layout);
  return layout;
}

}  // namespace

absl::StatusOr<AnyLabel> Version1_1::Parse(absl::Span<const std::byte> bytes, uint32_t slot) const {
  const NamespaceLabelV1_1 layout = Load(bytes);
  RETURN_IF_ERROR(CheckSlotNumber(slot, layout.slot));
  return NamespaceLabel{.uuid = Uuid(layout.uuid),
                        .name = NameOf(layout.name),
                        .flags = layout.flags,
                        .nlabel = layout.nlabel,
                        .position = layout.position,
                        .isetcookie = layout.isetcookie,
                        .lbasize = layout.lbasize,
                        .dpa = layout.dpa,
                        .rawsize = layout.rawsize,
                        .type_guid = {},
                        .abstraction_guid = {},
                        .region_uuid = {}};
}

std::vector<std::byte> Version1_1::Encode(const AnyLabel& any, uint32_t slot) const {
  const auto& label = std::get<NamespaceLabel>(any);
  NamespaceLabelV1_1 layout{};
  layout.uuid = label.uuid.bytes();
  layout.name = NameField(label.name);
  layout.flags = label.flags;
  layout.nlabel = label.nlabel;
  layout.position = label.position;
  layout.isetcookie = label.isetcookie;
  layout.lbasize = label.lbasize;
  layout.dpa = label.dpa;
  layout.rawsize = label.rawsize;
  layout.slot = slot;
  std::vector<std::byte> bytes(label_size());
  std::memcpy(bytes.data(), &layout, sizeof layout);
  return bytes;
}

uint32_t Version1_1::StatedSlot(absl::Span<const std::byte> bytes) const {
  return Load(bytes).slot;
}

// The name is padded with zeros, and every field has a value that a writer would store.
bool Version1_1::IsAsWritten(absl::Span<const std::byte> bytes) const {
  const NamespaceLabelV1_1 layout = Load(bytes);
  const auto end = std::find(layout.name.begin(), layout.name.end(), '\0');
  return std::all_of(end, layout.name.end(), [](char c) { return c == '\0'; }) &&
         (layout.flags & ~kKnownFlags) == 0 && layout.nlabel >= 1 && layout.nlabel <= kMaxWays &&
         layout.position < layout.nlabel && layout.lbasize <= kMaxSectorSize && layout.unused == 0;
}

absl::Span<const LabelField> Version1_1::CopyFields(const AnyLabel&) const { return kCopyFields; }

const LabelVersion& LabelV1_1() {
  static const Version1_1* const kVersion = new Version1_1;
  return *kVersion;
}

}  // namespace nvdimmfs::core
