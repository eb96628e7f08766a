// SPDX-License-Identifier: Apache-2.0
#include "core/model/name_hash.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kMultiplier = 0x61C8864680B583EB;

}  // namespace

uint32_t NameHash(absl::string_view name) {
  uint64_t h = 0;
  for (const char c : name) {
    const uint64_t byte = static_cast<unsigned char>(c);
    h = (h + (byte << 4) + (byte >> 4)) * 11;
  }
  uint32_t hash = static_cast<uint32_t>((h * kMultiplier) >> 32) & 0x7fffffff;
  if (hash < kFirstOffset) hash += kFirstOffset;
  return hash >= kEndOffset ? kEndOffset - 1 : hash;
}

}  // namespace nvdimmfs::core
