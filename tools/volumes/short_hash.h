// SPDX-License-Identifier: Apache-2.0
// Hashes a text to sixteen hexadecimal digits (FNV-1a): for names, not for security.
#ifndef NVDIMMFS_TOOLS_VOLUMES_SHORT_HASH_H_
#define NVDIMMFS_TOOLS_VOLUMES_SHORT_HASH_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::volumes {

inline std::string ShortHash(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_SHORT_HASH_H_
