// SPDX-License-Identifier: Apache-2.0
#include "core/labels/area_reading.h"

#include <cstring>
#include <utility>

#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/index_witness.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

absl::StatusOr<AreaReading> ReadAs(const LabelGeometry& geometry, const Media& media,
                                   uint64_t capacity) {
  AreaReading reading{.geometry = geometry, .labels = {}, .blocks = {}, .proven = {}};
  ASSIGN_OR_RETURN(reading.labels, SurveySlots(media, geometry, capacity));
  for (const int position : {0, 1}) {
    std::vector<std::byte>& block = reading.blocks[position];
    block.resize(geometry.index_size);
    RETURN_IF_ERROR(media.Peek(geometry.index_offset(position), absl::MakeSpan(block)));
    reading.proven[position] = ProvenIndex(block, geometry, position, reading.labels);
  }
  return reading;
}

}  // namespace

bool AreaReading::HasSignature(int position) const {
  return std::memcmp(blocks[position].data(), kIndexSignature.data(), kIndexSignature.size()) == 0;
}

std::vector<LabelIndex> AreaReading::Hints() const {
  std::vector<LabelIndex> hints;
  for (const int position : {0, 1})
    if (auto index = HintedIndex(blocks[position], geometry, position, labels))
      hints.push_back(*std::move(index));
  if (hints.size() == 2 && NewerIndex(hints[0].sequence(), hints[1].sequence()) == 1)
    std::swap(hints[0], hints[1]);
  return hints;
}

absl::StatusOr<std::vector<AreaReading>> ReadWithoutIndex(const Media& media, uint64_t capacity) {
  std::vector<AreaReading> readings;
  for (const LabelGeometry& geometry : LabelGeometries(media.size())) {
    ASSIGN_OR_RETURN(AreaReading reading, ReadAs(geometry, media, capacity));
    readings.push_back(std::move(reading));
  }
  return readings;
}

const AreaReading& MostLabels(absl::Span<const AreaReading> readings) {
  const AreaReading* most = &readings.back();
  for (const AreaReading& reading : readings)
    if (reading.labels.size() > most->labels.size()) most = &reading;
  return *most;
}

}  // namespace nvdimmfs::core
