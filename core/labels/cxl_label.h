// The two kinds of labels of CXL 2.1: their fields as values, and their way to and from a slot.
// Layout: label_format.h. Source: CXL 2.1 section 9.13.2. Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_CXL_LABEL_H_
#define NVDIMMFS_CORE_LABELS_CXL_LABEL_H_

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/uuid.h"
#include "core/labels/namespace_label.h"

namespace nvdimmfs::core {

// One device's part in an interleaved region.
struct RegionLabel {
  Uuid uuid;           // of the region, the same on all of its devices
  uint32_t flags = 0;  // kLabelUpdating only
  uint16_t ways = 1;
  uint16_t position = 0;
  uint64_t dpa = 0;            // bytes, in this device's address space
  uint64_t rawsize = 0;        // this device's share, bytes
  uint64_t hpa = 0;            // where the region must be, system physical address; 0: anywhere
  uint64_t granularity = 256;  // bytes, a power of two from 256 to kMaxLabelGranularity
  uint32_t align = 0;          // units of 256 MiB
  friend bool operator==(const RegionLabel&, const RegionLabel&) = default;
};

inline constexpr uint32_t kMaxLabelWays = 32;
inline constexpr uint64_t kMaxLabelGranularity = uint64_t{1} << 30;

// The 256 bytes of a label in `slot`. Of `label`, isetcookie and type_guid are not kept, lbasize to
// 16 bits, and nlabel is the number of pieces (nrange); a longer name is cut to 63 bytes.
std::vector<std::byte> EncodeCxlLabel(const NamespaceLabel& label, uint32_t slot);
std::vector<std::byte> EncodeCxlLabel(const RegionLabel& label, uint32_t slot);

using CxlLabel = std::variant<NamespaceLabel, RegionLabel>;

// The label in the 256 bytes of `slot`, of the kind that its type says. Refused with EINVAL:
// "label.slot.type" (neither kind), "label.slot.number", "label.slot.checksum", or
// "label.slot.region" (a region label whose ways, position or granularity cannot be).
absl::StatusOr<CxlLabel> ParseCxlLabel(absl::Span<const std::byte> bytes, uint32_t slot);

// Whether the bytes of a slot say that they are a CXL label of either kind.
bool HasCxlLabelType(absl::Span<const std::byte> bytes);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_CXL_LABEL_H_
