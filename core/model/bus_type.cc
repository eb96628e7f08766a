// SPDX-License-Identifier: Apache-2.0
#include "core/model/bus_type.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace nvdimmfs::core {

Device* BusType::Find(absl::string_view name) const {
  AssertLocked();
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void BusType::Add(Device& device) {
  AssertLocked();
  devices_.push_back(&device);
  by_name_[device.name()] = &device;
}

void BusType::Remove(const Device& device) {
  AssertLocked();
  by_name_.erase(device.name());
  // From the end: those that go with their parent are there.
  devices_.erase(std::prev(std::find(devices_.rbegin(), devices_.rend(), &device).base()));
}

void BusType::NoteRefusal(const Driver&, Device& device, const absl::Status& status) {
  device.set_last_error(LastError::OfRefusal(absl::StrCat("bind ", device.name()), status));
}

std::string BusType::place() const { return absl::StrCat("bus/", name()); }

}  // namespace nvdimmfs::core
