// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_versions.h"

#include <algorithm>
#include <cstring>

namespace nvdimmfs::core {
absl::Span<const LabelVersion* const> LabelVersions() {
#define NVDIMMFS_LABEL_VERSION(name) &name(),
  static const LabelVersion* const kVersions[] = {
#include "core/labels/label_versions.inc"
  };
#undef NVDIMMFS_LABEL_VERSION
  return kVersions;
}

std::vector<uint32_t> LabelSizes() {
  std::vector<uint32_t> sizes;
  for (const LabelVersion* version : LabelVersions())
    if (std::find(sizes.begin(), sizes.end(), version->label_size()) == sizes.end())
      sizes.push_back(version->label_size());
  return sizes;
}

const LabelVersion& GeneralLabelVersion(uint32_t label_size) {
  const auto versions = LabelVersions();
  return **std::find_if(versions.begin(), versions.end(), [&](const LabelVersion* version) {
    return version->label_size() == label_size;
  });
}

const LabelVersion* LabelVersionNamed(absl::string_view number) {
  for (const LabelVersion* version : LabelVersions())
    if (version->number().ToString() == number) return version;
  return nullptr;
}

const LabelVersion* FindLabelVersion(LabelVersionNumber number, uint32_t label_size) {
  for (const LabelVersion* version : LabelVersions())
    if (version->number() == number && version->label_size() == label_size) return version;
  return nullptr;
}

const LabelVersion& LabelVersionOf(absl::Span<const std::byte> bytes) {
  Uuid::Bytes first;
  std::memcpy(first.data(), bytes.data(), first.size());
  for (const LabelVersion* version : LabelVersions())
    if (version->label_size() == bytes.size() && HasType(*version, Uuid(first))) return *version;
  return GeneralLabelVersion(static_cast<uint32_t>(bytes.size()));
}

bool HasType(const LabelVersion& version, const Uuid& type) {
  const auto types = version.types();
  return std::find(types.begin(), types.end(), type) != types.end();
}

}  // namespace nvdimmfs::core
