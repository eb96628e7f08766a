// SPDX-License-Identifier: Apache-2.0
#include "core/labels/checksum_repair.h"

#include <cstdint>
#include <vector>

#include "core/base/endian.h"
#include "core/base/fletcher64.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kWord = sizeof(uint32_t);

}  // namespace

void VisitVouchedFor(absl::Span<const std::byte> record, size_t checksum_at,
                     const std::function<void(absl::Span<const std::byte>)>& visit) {
  std::vector<std::byte> bytes(record.begin(), record.end());
  const auto visit_with = [&](size_t at, uint32_t value) {
    const auto old = LoadLe<uint32_t>(bytes.data() + at);
    StoreLe(bytes.data() + at, value);
    visit(bytes);
    StoreLe(bytes.data() + at, old);
  };
  const uint64_t stored = LoadLe<uint64_t>(record.data() + checksum_at);
  const uint64_t computed = Fletcher64(record, checksum_at);
  const auto low = static_cast<uint32_t>(stored - computed);
  const auto high = static_cast<uint32_t>((stored >> 32) - (computed >> 32));
  if (low == 0 && high == 0) return visit(record);
  // The changed word may be one half of the checksum itself.
  if (high == 0) visit_with(checksum_at, static_cast<uint32_t>(computed));
  if (low == 0) visit_with(checksum_at + kWord, static_cast<uint32_t>(computed >> 32));
  if (low == 0) return;
  for (size_t at = 0; at < record.size(); at += kWord) {
    if (at == checksum_at || at == checksum_at + kWord) continue;
    const auto from_end = static_cast<uint32_t>((record.size() - at) / kWord);
    if (low * from_end == high) visit_with(at, LoadLe<uint32_t>(record.data() + at) + low);
  }
}

}  // namespace nvdimmfs::core
