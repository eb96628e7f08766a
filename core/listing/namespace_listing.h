// SPDX-License-Identifier: Apache-2.0
// One namespace, as ndctl prints it.
#ifndef NVDIMMFS_CORE_LISTING_NAMESPACE_LISTING_H_
#define NVDIMMFS_CORE_LISTING_NAMESPACE_LISTING_H_

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/listing/bad_range_listing.h"
#include "core/listing/device_view.h"
#include "core/listing/ndctl_json.h"

namespace nvdimmfs::core {

struct NamespaceDetail {
  bool device_dax = false;  // "daxregion" in place of "chardev"
  // Bad ranges of the region, from ReadBadRanges; null: do not list them.
  const std::vector<BadRange>* media_errors = nullptr;
  bool verbose = false;  // raw_uuid and node numbers
};

// A namespace with the device that claims it, if one does.
class NamespaceView {
 public:
  NamespaceView(const DeviceView& region, const DeviceView& ns);

  const DeviceView& ns() const { return ns_; }
  const std::optional<DeviceView>& claim() const { return claim_; }
  // The device that serves the data: the claim, or the namespace itself.
  const DeviceView& server() const { return claim_ ? *claim_ : ns_; }
  bool enabled() const { return server().enabled(); }
  // Configured, enabled or not: has a size and, in a region with labels, a uuid.
  bool configured() const;

  // As users write it: raw, sector, fsdax, devdax.
  std::string mode() const;
  // Where page structs live: "dev" or "mem"; nothing for raw and sector.
  std::optional<std::string> map() const;
  std::optional<uint64_t> size() const;  // usable bytes; nothing while a claim is not enabled
  std::optional<std::string> uuid() const;
  std::optional<uint64_t> sector_size() const;
  std::optional<uint64_t> align() const;
  std::optional<std::string> blockdev() const;  // "pmem0s"
  std::optional<std::string> chardev() const;   // "dax0.4"

  Json ToJson(const NamespaceDetail& detail, const NumberFormat& format) const;

 private:
  void AddMediaErrors(const std::vector<BadRange>& all, Json& json) const;
  Json DaxRegion(const NumberFormat& format) const;

  DeviceView region_;
  DeviceView ns_;
  std::optional<DeviceView> claim_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LISTING_NAMESPACE_LISTING_H_
