// SPDX-License-Identifier: Apache-2.0
// Little-endian integers as stored on media: alignment 1, converted on access. A *_format.h holds
// no other multi-byte integers.
#ifndef NVDIMMFS_CORE_BASE_ENDIAN_H_
#define NVDIMMFS_CORE_BASE_ENDIAN_H_

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nvdimmfs::core {

// Loads and stores of little-endian integers at any address.
template <std::unsigned_integral T>
T LoadLe(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::big) {
    T swapped = 0;
    for (size_t i = 0; i < sizeof(T); ++i) swapped = (swapped << 8) | ((value >> (8 * i)) & 0xff);
    value = swapped;
  }
  return value;
}

template <std::unsigned_integral T>
void StoreLe(void* at, T value) {
  // One store: a load of the whole value would stall after several small ones.
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(at, &value, sizeof value);
  } else {
    auto* bytes = static_cast<unsigned char*>(at);
    for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  }
}

template <std::unsigned_integral T>
class Le {
 public:
  Le() = default;
  Le(T value) { StoreLe(bytes_.data(), value); }  // NOLINT: implicit, so that a field is an integer
  operator T() const { return LoadLe<T>(bytes_.data()); }  // NOLINT: likewise

 private:
  std::array<unsigned char, sizeof(T)> bytes_{};
};

using le16 = Le<uint16_t>;
using le32 = Le<uint32_t>;
using le64 = Le<uint64_t>;

static_assert(alignof(le64) == 1 && sizeof(le64) == 8);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_ENDIAN_H_
