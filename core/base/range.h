// SPDX-License-Identifier: Apache-2.0
// Half-open byte ranges and the overflow-safe arithmetic that every number from media goes through.
#ifndef NVDIMMFS_CORE_BASE_RANGE_H_
#define NVDIMMFS_CORE_BASE_RANGE_H_

#include <cstdint>
#include <limits>
#include <optional>

namespace nvdimmfs::core {

// [start, start + size). The range's holder documents what `start` is relative to.
struct Range {
  uint64_t start = 0;
  uint64_t size = 0;

  // One past the last byte. MakeRange makes no range for which this wraps.
  constexpr uint64_t end() const { return start + size; }
  constexpr bool empty() const { return size == 0; }
  constexpr bool Contains(uint64_t at) const { return at >= start && at - start < size; }
  constexpr bool Contains(const Range& other) const {
    return other.start >= start && other.end() <= end();
  }
  constexpr bool Overlaps(const Range& other) const {
    return start < other.end() && other.start < end();
  }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

// a + b, or nothing if it does not fit in 64 bits.
constexpr std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  if (b > std::numeric_limits<uint64_t>::max() - a) return std::nullopt;
  return a + b;
}

// a * b, or nothing if it does not fit in 64 bits.
constexpr std::optional<uint64_t> CheckedMul(uint64_t a, uint64_t b) {
  if (a != 0 && b > std::numeric_limits<uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

// The range, or nothing if its end would wrap.
constexpr std::optional<Range> MakeRange(uint64_t start, uint64_t size) {
  if (!CheckedAdd(start, size)) return std::nullopt;
  return Range{start, size};
}

// Whether [offset, offset + length) lies within [0, size), for any arguments.
constexpr bool Fits(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

// `align` is not 0; it need not be a power of two.
constexpr uint64_t RoundDown(uint64_t value, uint64_t align) { return value - value % align; }
// The caller knows that value + align does not wrap.
constexpr uint64_t RoundUp(uint64_t value, uint64_t align) {
  return RoundDown(value + align - 1, align);
}

constexpr bool IsPowerOfTwo(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_RANGE_H_
