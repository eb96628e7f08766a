// SPDX-License-Identifier: Apache-2.0
// One label version: the layout of a label in its slot, the checks when one is read, what is kept
// when one is written, and how labels name the set and the type of their region. Code that works
// with labels uses the version of their area; nothing else compares version numbers.
//
// label_versions.h has the versions and the look-ups; label_format.h has the layouts.
//
// Thread rules: immutable objects that live as long as the program; any thread.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_VERSION_H_
#define NVDIMMFS_CORE_LABELS_LABEL_VERSION_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/uuid.h"
#include "core/labels/claim_class.h"
#include "core/labels/interleave_set.h"
#include "core/labels/namespace_label.h"
#include "core/labels/region_label.h"

namespace nvdimmfs::core {

using AnyLabel = std::variant<NamespaceLabel, RegionLabel>;

// As stated in an index block.
struct LabelVersionNumber {
  uint16_t major = 0;
  uint16_t minor = 0;
  friend auto operator<=>(const LabelVersionNumber&, const LabelVersionNumber&) = default;
  std::string ToString() const { return absl::StrCat(major, ".", minor); }  // "1.2"
};

// A part of a slot, in bytes.
struct LabelField {
  size_t offset;
  size_t size;
};

class LabelVersion {
 public:
  LabelVersion() = default;
  LabelVersion(const LabelVersion&) = delete;
  LabelVersion& operator=(const LabelVersion&) = delete;
  virtual ~LabelVersion() = default;

  // --- The index block. ---

  // The number that an index block over such labels states.
  virtual LabelVersionNumber number() const = 0;
  // Bytes of a slot: 128 or 256.
  virtual uint32_t label_size() const = 0;
  // The types with which labels of this version begin, if they do. A type identifies the version of
  // a label without an index.
  virtual absl::Span<const Uuid> types() const { return {}; }
  // Whether an index block that states `index` may precede labels of this version. Used for
  // versions with types, where the labels decide; the others only follow an index with their own
  // number.
  virtual bool MayLieUnder(LabelVersionNumber index) const { return index == number(); }
  // Whether areas of this version may be changed. Those of an unknown version are read-only.
  virtual bool is_written() const { return true; }
  // The version that a rewritten index block states. (If is_written() is false, only InitialiseOver
  // rewrites it, at a user's request.)
  virtual const LabelVersion& as_written() const { return *this; }

  // --- One slot. ---

  // The label in the `label_size()` bytes of `slot`. Refused with EINVAL: "label.slot.number" if it
  // names another slot, "label.slot.checksum", and the version's own reasons. Does not check extent
  // and set.
  virtual absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes,
                                         uint32_t slot) const = 0;
  // Its bytes for `slot`. Drops fields that the version lacks, cuts the name to 63 bytes, and
  // computes the checksum. A RegionLabel only if has_region_labels().
  virtual std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const = 0;

  // --- Repair of a slot. `bytes` are label_size() of them. ---

  // The offset of its checksum; nothing if it has none.
  virtual std::optional<size_t> checksum_offset() const = 0;
  // The slot number stored in a label.
  virtual uint32_t StatedSlot(absl::Span<const std::byte> bytes) const = 0;
  // Whether every field has a value that a writer would store. The only check for a label without a
  // checksum.
  virtual bool IsAsWritten(absl::Span<const std::byte> bytes) const = 0;
  // The fields in which two copies of one label differ: slot number, flags, checksum.
  virtual absl::Span<const LabelField> CopyFields(const AnyLabel& label) const = 0;

  // --- The region. ---

  // Whether labels identify their set by a cookie; else by the region's UUID.
  virtual bool has_cookie() const { return true; }
  // The cookie that labels of this version carry.
  virtual uint64_t CookieOf(const SetCookies& cookies) const { return cookies.v1_2; }
  // Whether a label belongs to the set with this cookie, or to the region with this UUID.
  virtual bool IsOfSet(const NamespaceLabel& label, uint64_t cookie, const Uuid&) const {
    return label.isetcookie == cookie;
  }
  // Whether a label's type GUID is that of the range (NFIT); true if labels have none.
  virtual bool IsOfRangeType(const NamespaceLabel&, const Uuid&) const { return true; }
  // The `nlabel` of labels in a set of `ways` DIMMs.
  virtual uint16_t nlabel(size_t ways) const { return static_cast<uint16_t>(ways); }
  // The number of DIMMs in the label's set; nothing if the label does not state it.
  virtual std::optional<uint16_t> StatedWays(const NamespaceLabel& label) const {
    return label.nlabel;
  }
  // Whether the region has labels of its own.
  virtual bool has_region_labels() const { return false; }
  // The claim class of a BTT in a namespace with such labels, which determines its layout.
  virtual ClaimClass btt_class() const { return ClaimClass::kBtt2; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_VERSION_H_
