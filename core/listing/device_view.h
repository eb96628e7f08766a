// SPDX-License-Identifier: Apache-2.0
// A device as ndctl sees it: attribute files read as one line of text, children in the order in
// which ndctl finds them.
//
// `nvdimmfs list` uses only these views, so its output always agrees with the mounted tree. Use
// them under System::WithLock.
#ifndef NVDIMMFS_CORE_LISTING_DEVICE_VIEW_H_
#define NVDIMMFS_CORE_LISTING_DEVICE_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

class DeviceView {
 public:
  explicit DeviceView(Device& device) : device_(&device) {}

  Device& device() const { return *device_; }
  const std::string& name() const { return device_->name(); }
  bool enabled() const { return device_->driver() != nullptr; }

  // Without its final newline. Nothing if the attribute does not exist, cannot be read, or has 1024
  // bytes or more (ndctl's buffer).
  std::optional<std::string> Text(absl::string_view attribute) const;
  // The same as a number (decimal, or hexadecimal after 0x); nothing if it is not a number.
  std::optional<uint64_t> Number(absl::string_view attribute) const;
  // Signed, for node numbers.
  std::optional<int64_t> Node(absl::string_view attribute) const;
  // The words of a list like "512 [4096] ", without brackets. As in ndctl, a last word without a
  // blank after it does not count.
  std::vector<uint64_t> Choices(absl::string_view attribute) const;
  // The one in brackets.
  std::optional<uint64_t> Choice(absl::string_view attribute) const;

  std::vector<DeviceView> Children(const DeviceKind& kind) const;
  // The first of that kind.
  std::optional<DeviceView> Child(const DeviceKind& kind) const;

 private:
  Device* device_;
};

// In reverse directory order, because ndctl prepends to its lists.
void SortAsNdctl(std::vector<DeviceView>& views);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LISTING_DEVICE_VIEW_H_
