// SPDX-License-Identifier: Apache-2.0
// Label version 1.1 (NVDIMM namespace specification): 128 bytes without a checksum. A label of
// version 1.2 begins with these fields.
#ifndef NVDIMMFS_CORE_LABELS_VERSION_1_1_H_
#define NVDIMMFS_CORE_LABELS_VERSION_1_1_H_

#include "core/labels/label_format.h"
#include "core/labels/label_version.h"

namespace nvdimmfs::core {

class Version1_1 : public LabelVersion {
 public:
  LabelVersionNumber number() const override { return {1, 1}; }
  uint32_t label_size() const override { return kLabelSizeV1_1; }
  absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes, uint32_t slot) const override;
  std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const override;
  std::optional<size_t> checksum_offset() const override { return std::nullopt; }
  uint32_t StatedSlot(absl::Span<const std::byte> bytes) const override;
  bool IsAsWritten(absl::Span<const std::byte> bytes) const override;
  absl::Span<const LabelField> CopyFields(const AnyLabel& label) const override;
  uint64_t CookieOf(const SetCookies& cookies) const override { return cookies.v1_1; }
  ClaimClass btt_class() const override { return ClaimClass::kBtt; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_VERSION_1_1_H_
