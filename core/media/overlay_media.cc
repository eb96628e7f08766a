// SPDX-License-Identifier: Apache-2.0
#include "core/media/overlay_media.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::core {

absl::Status OverlayMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  if (!Fits(offset, out.size(), size())) return OutsideMedia(offset, out.size(), size());
  if (out.empty()) return absl::OkStatus();
  // A unit that was stored to may be bad below.
  if (!base_->Read(offset, out).ok()) return ReadUnits(offset, out);
  const uint64_t end = offset + out.size();
  for (auto unit = units_.lower_bound(RoundDown(offset, kUnit));
       unit != units_.end() && unit->first < end; ++unit) {
    const uint64_t from = std::max(offset, unit->first);
    const uint64_t to = std::min(end, unit->first + kUnit);
    std::memcpy(out.data() + (from - offset), unit->second.data() + (from - unit->first),
                to - from);
  }
  return absl::OkStatus();
}

absl::Status OverlayMedia::ReadUnits(uint64_t offset, absl::Span<std::byte> out) const {
  for (size_t done = 0; done < out.size();) {
    const uint64_t at = offset + done;
    const uint64_t start = RoundDown(at, kUnit);
    const size_t some = std::min<uint64_t>(out.size() - done, start + kUnit - at);
    const auto unit = units_.find(start);
    if (unit == units_.end())
      RETURN_IF_ERROR(base_->Read(at, out.subspan(done, some)));
    else
      std::memcpy(out.data() + done, unit->second.data() + (at - start), some);
    done += some;
  }
  return absl::OkStatus();
}

absl::Status OverlayMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  if (!Fits(offset, data.size(), size())) return OutsideMedia(offset, data.size(), size());
  for (size_t done = 0; done < data.size();) {
    const uint64_t at = offset + done;
    const uint64_t start = RoundDown(at, kUnit);
    const size_t some = std::min<uint64_t>(data.size() - done, start + kUnit - at);
    auto unit = units_.find(start);
    if (unit == units_.end()) {
      Unit bytes{};
      const uint64_t length = std::min(kUnit, size() - start);
      if (some < length) RETURN_IF_ERROR(base_->Read(start, absl::MakeSpan(bytes.data(), length)));
      unit = units_.emplace(start, bytes).first;
    }
    std::memcpy(unit->second.data() + (at - start), data.data() + done, some);
    done += some;
  }
  return absl::OkStatus();
}

absl::Status OverlayMedia::Store32(uint64_t offset, uint32_t value) {
  std::array<std::byte, sizeof value> bytes;
  StoreLe(bytes.data(), value);
  return Write(offset, bytes);
}

absl::Status OverlayMedia::Store64(uint64_t offset, uint64_t value) {
  std::array<std::byte, sizeof value> bytes;
  StoreLe(bytes.data(), value);
  return Write(offset, bytes);
}

absl::Status OverlayMedia::Punch(uint64_t, uint64_t) {
  return Refusal(EOPNOTSUPP, "media.punch", "memory over a media has no holes");
}

bool OverlayMedia::IsPoisoned(uint64_t offset, uint64_t length) const {
  if (!base_->IsPoisoned(offset, length)) return false;
  for (uint64_t start = RoundDown(offset, kUnit); start < offset + length; start += kUnit)
    if (!units_.contains(start) && base_->IsPoisoned(start, std::min(kUnit, size() - start)))
      return true;
  return false;
}

absl::Status OverlayMedia::ClearPoison(uint64_t offset, uint64_t length) {
  if ((offset | length) % kUnit != 0)
    return Refusal(ENXIO, "media.alignment",
                   "poison is cleared in units of 512 bytes, at multiples of them");
  if (!Fits(offset, length, size())) return OutsideMedia(offset, length, size());
  for (uint64_t start = offset; start < offset + length; start += kUnit)
    if (base_->IsPoisoned(start, kUnit)) units_.try_emplace(start);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::core
