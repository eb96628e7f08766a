// SPDX-License-Identifier: Apache-2.0
// The policy for label versions that are not in the table: read as kernels do, never written.
#include <map>
#include <memory>

#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

class UnknownVersion final : public LabelVersion {
 public:
  explicit UnknownVersion(const LabelVersion& labels) : labels_(labels) {}

  LabelVersionNumber number() const override { return labels_.number(); }
  uint32_t label_size() const override { return labels_.label_size(); }
  absl::Span<const Uuid> types() const override { return labels_.types(); }
  bool is_written() const override { return false; }
  const LabelVersion& as_written() const override { return labels_; }
  absl::StatusOr<AnyLabel> Parse(absl::Span<const std::byte> bytes, uint32_t slot) const override {
    return labels_.Parse(bytes, slot);
  }
  std::vector<std::byte> Encode(const AnyLabel& label, uint32_t slot) const override {
    return labels_.Encode(label, slot);
  }
  std::optional<size_t> checksum_offset() const override { return labels_.checksum_offset(); }
  uint32_t StatedSlot(absl::Span<const std::byte> bytes) const override {
    return labels_.StatedSlot(bytes);
  }
  bool IsAsWritten(absl::Span<const std::byte> bytes) const override {
    return labels_.IsAsWritten(bytes);
  }
  absl::Span<const LabelField> CopyFields(const AnyLabel& label) const override {
    return labels_.CopyFields(label);
  }
  bool has_cookie() const override { return labels_.has_cookie(); }
  bool IsOfSet(const NamespaceLabel& label, uint64_t cookie, const Uuid& region) const override {
    return labels_.IsOfSet(label, cookie, region);
  }
  bool IsOfRangeType(const NamespaceLabel& label, const Uuid& type) const override {
    return labels_.IsOfRangeType(label, type);
  }
  uint16_t nlabel(size_t ways) const override { return labels_.nlabel(ways); }
  std::optional<uint16_t> StatedWays(const NamespaceLabel& label) const override {
    return labels_.StatedWays(label);
  }
  bool has_region_labels() const override { return labels_.has_region_labels(); }

 private:
  const LabelVersion& labels_;
};

using Unknown = std::map<const LabelVersion*, std::unique_ptr<const UnknownVersion>>;

}  // namespace

const LabelVersion& UnknownLabelVersion(const LabelVersion& labels) {
  static const Unknown* const kUnknown = [] {
    auto* unknown = new Unknown;
    for (const LabelVersion* version : LabelVersions())
      unknown->emplace(version, std::make_unique<const UnknownVersion>(*version));
    return unknown;
  }();
  return *kUnknown->at(&labels);
}

}  // namespace nvdimmfs::core
