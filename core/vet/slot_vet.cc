// SPDX-License-Identifier: Apache-2.0
#include "core/vet/slot_vet.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPage = 4096;

bool AnySet(absl::Span<const std::byte> bytes) {
  return std::any_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte != std::byte{}; });
}

template <typename Layout>
Layout Load(absl::Span<const std::byte> bytes) {
  Layout layout{};
  std::memcpy(static_cast<void*>(&layout), bytes.data(), sizeof layout);
  return layout;
}

// What a label's lbasize may be: kernels write these, and print a warning with a stack trace when a
// namespace with another one is enabled.
bool IsWrittenSectorSize(uint64_t lbasize) {
  return lbasize == 0 || lbasize == 512 || lbasize == 4096;
}

}  // namespace

void SlotVet::Report(std::string reason, std::string sentence) {
  findings_.push_back({{.reason = std::move(reason),
                        .offset = offset_,
                        .sentence = absl::StrCat("label in slot ", slot_, ": ", sentence)},
                       length_});
}

void SlotVet::Add(uint32_t slot, uint64_t offset, absl::Span<const std::byte> bytes) {
  slot_ = slot;
  offset_ = offset;
  length_ = bytes.size();
  const LabelVersion& version = LabelVersionOf(bytes);
  const absl::StatusOr<AnyLabel> label = version.Parse(bytes, slot);
  if (!label.ok()) {
    findings_.push_back({{.reason = ReasonOf(label.status()),
                          .offset = offset_,
                          .sentence = std::string(label.status().message())},
                         length_});
    return;
  }
  if (const auto* region = std::get_if<RegionLabel>(&*label)) {
    VetCxlRegion(bytes);
    VetExtent(region->uuid, region->dpa, region->rawsize, true);
    return;
  }
  const auto& ns = std::get<NamespaceLabel>(*label);
  VetNamespace(ns, version.has_cookie());
  if (version.types().empty())
    VetV1(bytes);
  else
    VetCxlNamespace(bytes);
  VetExtent(ns.uuid, ns.dpa, ns.rawsize, false);
}

void SlotVet::VetNamespace(const NamespaceLabel& label, bool has_cookie) {
  if (label.uuid.is_nil()) Report("label.slot.uuid", "the namespace's uuid is zero");
  if (!IsWrittenSectorSize(label.lbasize))
    Report("label.slot.lbasize", absl::StrCat("a sector size of ", label.lbasize, " bytes"));
  const uint16_t most = has_cookie ? kMaxLabelWays : 1;
  if (label.nlabel == 0 || label.nlabel > most)
    Report("label.slot.nlabel",
           absl::StrCat(label.nlabel, has_cookie ? " DIMMs in the set" : " extents"));
  else if (has_cookie && label.position >= label.nlabel)
    Report("label.slot.position",
           absl::StrCat("position ", label.position, " in a set of ", label.nlabel));
}

void SlotVet::VetV1(absl::Span<const std::byte> bytes) {
  const auto layout = Load<NamespaceLabelV1_1>(bytes);
  VetName(layout.name);
  VetFlags(layout.flags, kLabelUpdating);
  VetReserved(bytes.subspan(offsetof(NamespaceLabelV1_1, unused), sizeof layout.unused));
  if (bytes.size() < sizeof(NamespaceLabelV1_2)) return;
  const auto whole = Load<NamespaceLabelV1_2>(bytes);
  VetReserved(bytes.subspan(offsetof(NamespaceLabelV1_2, reserved), sizeof whole.reserved));
  const Uuid type = Uuid::FromGuidOrder(whole.type_guid);
  // CXL regions have none.
  if (!type.is_nil() && type != kPmemRangeGuid)
    Report("label.slot.type_guid",
           absl::StrCat("range type ", type.ToString(), " is not that of persistent memory"));
}

void SlotVet::VetCxlNamespace(absl::Span<const std::byte> bytes) {
  const auto layout = Load<CxlNamespaceLabel>(bytes);
  VetName(layout.name);
  VetFlags(layout.flags, kLabelUpdating);
  VetReserved(bytes.subspan(offsetof(CxlNamespaceLabel, reserved), sizeof layout.reserved));
  if (Uuid(layout.region_uuid).is_nil())
    Report("label.slot.region", "the uuid of its CXL region is zero");
}

void SlotVet::VetCxlRegion(absl::Span<const std::byte> bytes) {
  const auto layout = Load<CxlRegionLabel>(bytes);
  VetFlags(layout.flags, kLabelUpdating);
  VetReserved(bytes.subspan(offsetof(CxlRegionLabel, reserved), sizeof layout.reserved));
  if (Uuid(layout.uuid).is_nil()) Report("label.slot.uuid", "the region's uuid is zero");
}

void SlotVet::VetName(absl::Span<const char> field) {
  const auto end = std::find(field.begin(), field.end(), '\0');
  if (end == field.end()) {
    Report("label.slot.name", absl::StrCat("all ", field.size(), " bytes of the name are in use"));
    return;
  }
  if (std::any_of(end, field.end(), [](char c) { return c != '\0'; }))
    Report("label.slot.name_tail", "there are bytes after the NUL that ends the name");
  const std::string name(field.begin(), end);
  if (EscapeSentence(name) != name)
    Report("label.slot.name_text",
           absl::StrCat("unprintable characters in the name \"", EscapeName(name), "\""));
}

void SlotVet::VetFlags(uint32_t flags, uint32_t written) {
  if ((flags & ~written) != 0)
    Report("label.slot.flags", absl::StrCat("flags 0x", absl::Hex(flags)));
  if ((flags & kLabelUpdating) != 0)
    Report("label.slot.updating", "marked as being updated: an update was interrupted");
}

void SlotVet::VetReserved(absl::Span<const std::byte> bytes) {
  if (AnySet(bytes)) Report("label.slot.reserved", "reserved bytes that are not zero");
}

void SlotVet::VetExtent(const Uuid& uuid, uint64_t start, uint64_t size, bool is_region) {
  const auto extent = MakeRange(start, size);
  const std::string words = absl::StrCat(size, " bytes at DPA 0x", absl::Hex(start));
  if (!extent) {
    Report("label.dpa.wraps", absl::StrCat(words, " pass the end of the address space"));
    return;
  }
  if (size == 0) Report("label.slot.rawsize", "an extent of 0 bytes");
  if (!Fits(start, size, capacity_))
    Report("label.slot.extent",
           absl::StrCat(words, " are not within the DIMM's ", capacity_, " bytes"));
  if (start % kPage != 0 || size % kPage != 0)
    Report("label.slot.align", absl::StrCat(words, " do not begin and end at a page"));
  owners_.push_back({uuid, *extent, slot_, offset_, is_region});
}

std::vector<VetFinding> SlotVet::Finish() {
  FindDuplicates();
  FindOverlaps();
  return std::move(findings_);
}

void SlotVet::FindDuplicates() {
  std::vector<const Owner*> by_uuid;
  for (const Owner& owner : owners_) by_uuid.push_back(&owner);
  std::sort(by_uuid.begin(), by_uuid.end(), [](const Owner* a, const Owner* b) {
    return std::tie(a->uuid, a->slot) < std::tie(b->uuid, b->slot);
  });
  for (size_t i = 1; i < by_uuid.size(); ++i) {
    if (by_uuid[i]->uuid != by_uuid[i - 1]->uuid) continue;
    slot_ = by_uuid[i]->slot;
    offset_ = by_uuid[i]->offset;
    Report("labels.duplicate", absl::StrCat("uuid ", by_uuid[i]->uuid.ToString(),
                                            " is also that of slot ", by_uuid[i - 1]->slot));
  }
}

// Namespaces overlap their CXL region, but not each other.
void SlotVet::FindOverlaps() {
  std::vector<const Owner*> by_start;
  for (const Owner& owner : owners_)
    if (!owner.extent.empty()) by_start.push_back(&owner);
  std::sort(by_start.begin(), by_start.end(), [](const Owner* a, const Owner* b) {
    return std::tie(a->extent.start, a->slot) < std::tie(b->extent.start, b->slot);
  });
  const Owner* furthest[2] = {};  // of namespaces, of regions: the one that ends last so far
  for (const Owner* owner : by_start) {
    const Owner*& before = furthest[owner->is_region ? 1 : 0];
    if (before != nullptr && before->extent.Overlaps(owner->extent)) {
      slot_ = owner->slot;
      offset_ = owner->offset;
      Report("dpa.overlap", absl::StrCat("its extent at DPA 0x", absl::Hex(owner->extent.start),
                                         " overlaps that of slot ", before->slot));
    }
    if (before == nullptr || owner->extent.end() > before->extent.end()) before = owner;
  }
}

}  // namespace nvdimmfs::core
