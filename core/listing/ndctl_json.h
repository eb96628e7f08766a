// SPDX-License-Identifier: Apache-2.0
// JSON formatted like ndctl's output: json-c's "pretty" form, and its number formats.
//
// Source: observed output of ndctl 76.1.
#ifndef NVDIMMFS_CORE_LISTING_NDCTL_JSON_H_
#define NVDIMMFS_CORE_LISTING_NDCTL_JSON_H_

#include <cstdint>
#include <string>

#include "core/base/json.h"

namespace nvdimmfs::core {

// Two blanks per level, "key":value, "\/" for a slash. Always well-formed UTF-8: unprintable
// characters of an alt_name become escapes, and bytes that are not UTF-8 become U+FFFD (json-c
// passes both through). Without a final newline.
std::string WriteNdctlJson(const Json& value);

// How one listing prints its numbers.
class NumberFormat {
 public:
  explicit NumberFormat(bool human) : human_(human) {}
  bool human() const { return human_; }

  // Bytes: 65961984, or "62.91 MiB (65.96 MB)" from 5000 KiB on.
  Json Size(uint64_t bytes) const;
  // 18, or "0x12"; zero is "0".
  Json Hex(uint64_t value) const;
  // The same for a 64-bit cookie. With -u, json-c caps it at the largest signed number.
  Json Cookie(uint64_t value) const;

 private:
  bool human_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LISTING_NDCTL_JSON_H_
