// SPDX-License-Identifier: Apache-2.0
// UUIDs. Media store them in one of two byte orders: the printed (RFC 4122) order, or the mixed
// order of Microsoft GUIDs, in which the first three fields are little-endian.
#ifndef NVDIMMFS_CORE_BASE_UUID_H_
#define NVDIMMFS_CORE_BASE_UUID_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class Uuid {
 public:
  using Bytes = std::array<uint8_t, 16>;

  constexpr Uuid() = default;  // the nil UUID
  constexpr explicit Uuid(const Bytes& printed_order) : bytes_(printed_order) {}

  // The first 36 characters of `text` (8-4-4-4-12 hex digits, either case); what follows them is
  // ignored, as the kernel does. Nothing if they are not a UUID.
  static std::optional<Uuid> Parse(absl::string_view text);
  static Uuid FromGuidOrder(const Bytes& guid_order);
  static Uuid Random();  // version 4; from the kernel's random pool

  const Bytes& bytes() const { return bytes_; }  // printed order
  Bytes guid_order() const;
  bool is_nil() const { return bytes_ == Bytes{}; }
  std::string ToString() const;  // lower case, 36 characters

  friend constexpr bool operator==(const Uuid&, const Uuid&) = default;
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Uuid& uuid) {
    return H::combine(std::move(h), uuid.bytes_);
  }

 private:
  Bytes bytes_{};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_UUID_H_
