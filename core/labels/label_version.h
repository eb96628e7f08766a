// SPDX-License-Identifier: Apache-2.0
// One version of the labels: how a label lies in its slot, what is checked when one is read, what
// is kept when one is written, and how labels name the set and the type of their region. Whatever
// works with labels asks the version of their area; nothing else compares version numbers.
//
// The versions, and how to find one: label_versions.h. Layouts: label_format.h.
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

// As an index block states it.
struct LabelVersionNumber {
  uint16_t major = 0;
  uint16_t minor = 0;
  friend auto operator<=>(const LabelVersionNumber&, const LabelVersionNumber&) = default;
  std::string ToString() const { return absl::StrCat(major, ".", minor); }  // "1.2"
};

// Some of the bytes of a slot.
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

  // What an index block over such labels states.
  virtual LabelVersionNumber number() const = 0;
  // Bytes of a slot: 128 or 256.
  virtual uint32_t label_size() const = 0;
  // Where the labels of the version begin with a type of their own: these types. One of them tells
  // the version of a label without an index.
  virtual absl::Span<const Uuid> types() const { return {}; }
  // Whether an index block that states `index` may have labels of this version below it. Asked of
  // versions with types, whose labels decide; the others lie below their own number.
  virtual bool MayLieUnder(LabelVersionNumber index) const { return index == number(); }
  // Whether areas of this version are changed. Those of an unknown version are read only.
  virtual bool is_written() const { return true; }
  // The version that an index block states once it is rewritten, by a user's word (InitialiseOver)
  // where is_written() is false.
  virtual const LabelVersion& as_written() const { return *this; }

  // --- One slot. ---

  // The label in the `label_size()` bytes of `slot`. Refused with EINVAL: "label.slot.number" where
  // it names another slot, "label.slot.checksum", and the version's own reasons. Extent and set are
  // for others to judge.
  virtual absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes,
                                         uint32_t slot) const = 0;
  // Its bytes for `slot`. Fields that the version lacks are dropped, a longer name is cut to 63
  // bytes; the checksum is made here. A RegionLabel only where has_region_labels().
  virtual std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const = 0;

  // --- Repair of a slot. `bytes` are label_size() of them. ---

  // Where its checksum lies; nothing where it has none.
  virtual std::optional<size_t> checksum_offset() const = 0;
  // The slot that a label says it is in.
  virtual uint32_t StatedSlot(absl::Span<const std::byte> bytes) const = 0;
  // Whether every field has a value that a writer gives it. What a label without a checksum has to
  // go by.
  virtual bool IsAsWritten(absl::Span<const std::byte> bytes) const = 0;
  // What two copies of one label differ in: slot number, flags, checksum.
  virtual absl::Span<const LabelField> CopyFields(const AnyLabel& label) const = 0;

  // --- The region. ---

  // Whether labels name their set by a cookie; else by the region's UUID.
  virtual bool has_cookie() const { return true; }
  // The cookie that labels of this version carry.
  virtual uint64_t CookieOf(const SetCookies& cookies) const { return cookies.v1_2; }
  // Whether a label is of the set with this cookie, or of the region with this UUID.
  virtual bool IsOfSet(const NamespaceLabel& label, uint64_t cookie, const Uuid&) const {
    return label.isetcookie == cookie;
  }
  // Whether a label's type GUID is that of the range (NFIT); true where labels have none.
  virtual bool IsOfRangeType(const NamespaceLabel&, const Uuid&) const { return true; }
  // The nlabel of a label of a set of `ways` DIMMs.
  virtual uint16_t nlabel(size_t ways) const { return static_cast<uint16_t>(ways); }
  // How many DIMMs a label says its set has; nothing where it does not say.
  virtual std::optional<uint16_t> StatedWays(const NamespaceLabel& label) const {
    return label.nlabel;
  }
  // Whether the region has labels of its own.
  virtual bool has_region_labels() const { return false; }
  // The claim class of a BTT in a namespace with such labels: its layout follows from them.
  virtual ClaimClass btt_class() const { return ClaimClass::kBtt2; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_VERSION_H_
