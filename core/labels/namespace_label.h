// One namespace label: its fields as values, and their way to and from a slot.
// Layout: label_format.h. Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_NAMESPACE_LABEL_H_
#define NVDIMMFS_CORE_LABELS_NAMESPACE_LABEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/uuid.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {

// One namespace label as its fields say, whatever the on-media version.
struct NamespaceLabel {
  Uuid uuid;
  std::string name;     // at most 63 bytes; up to the first NUL
  uint32_t flags = 0;   // label_format.h: kLabelUpdating, ...
  uint16_t nlabel = 1;  // DIMMs in the set; CXL: pieces that the namespace has here (nrange)
  uint16_t position = 0;
  uint64_t isetcookie = 0;
  uint64_t lbasize = 0;   // bytes; 0 stands for 512
  uint64_t dpa = 0;       // bytes, in this DIMM's address space
  uint64_t rawsize = 0;   // bytes on this DIMM
  Uuid type_guid;         // v1.2 and later; nil in v1.1
  Uuid abstraction_guid;  // likewise
  Uuid region_uuid;       // CXL (cxl_label.h), in place of isetcookie and type_guid
  friend bool operator==(const NamespaceLabel&, const NamespaceLabel&) = default;
};

// A name as a label's field holds it, NUL padded, and back.
std::array<char, kLabelNameBytes> NameField(const std::string& name);
std::string NameOf(const std::array<char, kLabelNameBytes>& field);

// How a label is refused that says it is in another slot, or fails its checksum.
absl::Status WrongSlot(uint32_t slot, uint32_t stated);
absl::Status WrongChecksum(uint32_t slot, uint64_t stored, uint64_t computed);

// The bytes of `label` in `slot`, `label_size` (128 or 256) of them; 128-byte labels lack the GUIDs
// and the checksum. A longer name is cut to 63 bytes.
std::vector<std::byte> EncodeLabel(const NamespaceLabel& label, uint32_t slot, uint32_t label_size);

// The label in the 128 or 256 bytes of `slot`. Refused with EINVAL, "label.slot.number" where it
// names another slot, or "label.slot.checksum". Extent and cookie are for others to judge.
absl::StatusOr<NamespaceLabel> ParseLabel(absl::Span<const std::byte> bytes, uint32_t slot);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_NAMESPACE_LABEL_H_
