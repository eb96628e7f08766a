// SPDX-License-Identifier: Apache-2.0
// Pseudo-random numbers that depend only on a seed and a position, not on the order of the calls:
// several threads get the same ones in any order.
#ifndef NVDIMMFS_CORE_MEDIA_SEEDED_CHOICE_H_
#define NVDIMMFS_CORE_MEDIA_SEEDED_CHOICE_H_

#include <cstdint>

namespace nvdimmfs::core {

// Thread rules: a plain value.
class SeededChoice {
 public:
  explicit SeededChoice(uint64_t seed) : seed_(Mix(seed)) {}

  // The number for the `nth` decision of this kind. All 64 bits are usable.
  uint64_t Number(uint64_t kind, uint64_t nth) const { return Mix(Mix(seed_ ^ Mix(kind)) + nth); }

  // The finaliser of SplitMix64, over the next number of its sequence.
  static constexpr uint64_t Mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }

 private:
  uint64_t seed_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_SEEDED_CHOICE_H_
