// SPDX-License-Identifier: Apache-2.0
#include "core/labels/slot_survey.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

constexpr uint32_t kBatch = 256;
constexpr uint32_t kFirstSlots = 16;  // kernels take the lowest that is free
constexpr uint64_t kUnit = 512;       // extents are multiples of it

bool IsAllZero(absl::Span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

std::vector<std::byte> ContentOf(absl::Span<const std::byte> bytes,
                                 absl::Span<const LabelField> of_its_copy) {
  std::vector<std::byte> content(bytes.begin(), bytes.end());
  for (const LabelField& field : of_its_copy)
    std::memset(content.data() + field.offset, 0, field.size);
  return content;
}

std::optional<SlotLabel> Parse(absl::Span<const std::byte> bytes, uint32_t slot) {
  const LabelVersion& version = LabelVersionOf(bytes);
  const bool as_written = version.IsAsWritten(bytes);
  if (!version.checksum_offset() && !as_written) return std::nullopt;
  absl::StatusOr<AnyLabel> label = version.Parse(bytes, slot);
  if (!label.ok()) return std::nullopt;
  std::vector<std::byte> content = ContentOf(bytes, version.CopyFields(*label));
  return SlotLabel{slot, *std::move(label), &version, as_written, std::move(content)};
}

}  // namespace

const Uuid& SlotLabel::uuid() const {
  return std::visit([](const auto& of_kind) -> const Uuid& { return of_kind.uuid; }, label);
}

Range SlotLabel::extent() const {
  return std::visit([](const auto& of_kind) { return Range{of_kind.dpa, of_kind.rawsize}; }, label);
}

bool SlotLabel::updating() const {
  return std::visit([](const auto& of_kind) { return (of_kind.flags & kLabelUpdating) != 0; },
                    label);
}

bool SlotLabel::of_a_set() const {
  if (const auto* region = std::get_if<RegionLabel>(&label)) return region->ways > 1;
  return version->StatedWays(std::get<NamespaceLabel>(label)).value_or(1) > 1;
}

bool SlotLabel::IsCopyOf(absl::Span<const std::byte> bytes, size_t damage) const {
  if (bytes.size() != content.size()) return false;
  const std::vector<std::byte> other = ContentOf(bytes, version->CopyFields(label));
  const auto first = std::mismatch(content.begin(), content.end(), other.begin()).first;
  if (first == content.end()) return true;
  const auto last = std::mismatch(content.rbegin(), content.rend(), other.rbegin()).first;
  return static_cast<size_t>(last.base() - first) <= damage;
}

std::optional<SlotLabel> LabelIn(absl::Span<const std::byte> bytes, uint32_t slot,
                                 uint64_t capacity) {
  std::optional<SlotLabel> found = Parse(bytes, slot);
  if (!found || found->uuid().is_nil()) return std::nullopt;
  const Range extent = found->extent();
  const auto checked = MakeRange(extent.start, extent.size);
  if (!checked || checked->empty()) return std::nullopt;
  if (capacity != 0 && checked->end() > capacity) return std::nullopt;
  return found;
}

absl::StatusOr<std::vector<SlotLabel>> SurveySlots(const Media& area, const LabelGeometry& geometry,
                                                   uint64_t capacity) {
  std::vector<SlotLabel> found;
  std::vector<std::byte> batch;
  for (uint64_t at = 0; at < geometry.slot_count; at += kBatch) {
    const auto first = static_cast<uint32_t>(at);
    const uint32_t here = std::min(kBatch, geometry.slot_count - first);
    batch.resize(size_t{here} * geometry.label_size);
    RETURN_IF_ERROR(area.Peek(geometry.slot_offset(first), absl::MakeSpan(batch)));
    for (uint32_t i = 0; i < here; ++i) {
      const auto bytes =
          absl::MakeConstSpan(batch).subspan(size_t{i} * geometry.label_size, geometry.label_size);
      if (IsAllZero(bytes)) continue;
      if (auto label = LabelIn(bytes, first + i, capacity)) found.push_back(*std::move(label));
    }
  }
  return found;
}

bool HoldsLabels(const Media& media, uint64_t start, uint64_t size, uint64_t capacity) {
  for (const uint32_t label_size : LabelSizes()) {
    const auto geometry = LabelGeometry::For(size, label_size);
    if (!geometry) continue;
    const uint32_t count = std::min(geometry->slot_count, kFirstSlots);
    std::vector<std::byte> bytes(size_t{count} * label_size);
    if (!media.Peek(start + geometry->slot_offset(0), absl::MakeSpan(bytes)).ok()) continue;
    for (uint32_t slot = 0; slot < count; ++slot) {
      const auto one = absl::MakeConstSpan(bytes).subspan(size_t{slot} * label_size, label_size);
      if (IsAllZero(one)) continue;
      const auto label = LabelIn(one, slot, capacity);
      if (label && label->as_written && label->extent().start % kUnit == 0 &&
          label->extent().size % kUnit == 0)
        return true;
    }
  }
  return false;
}

}  // namespace nvdimmfs::core
