// SPDX-License-Identifier: Apache-2.0
// x: what concerns the mount as a whole. Its events, and their numbers.
#ifndef NVDIMMFS_CORE_SYSTEM_MOUNT_DEVICE_H_
#define NVDIMMFS_CORE_SYSTEM_MOUNT_DEVICE_H_

#include <memory>

#include "core/model/device.h"
#include "core/model/event_log.h"

namespace nvdimmfs::core {

class MountDevice final : public Device {
 public:
  static constexpr DeviceKind kKind{"mount", "x", DeviceKind::Stay::kForever};

  // `events` must outlive it.
  static std::shared_ptr<MountDevice> Make(Engine& engine, EventLog& events);

  EventLog& events() const { return events_; }

  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }

 private:
  MountDevice(Engine& engine, EventLog& events)
      : Device(engine, kKind, "x", nullptr), events_(events) {}

  EventLog& events_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_MOUNT_DEVICE_H_
