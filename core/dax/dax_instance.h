// SPDX-License-Identifier: Apache-2.0
// A dax device: `dax_region` and, next to it, its single character device daxR.i, below the device
// that has the memory.
#ifndef NVDIMMFS_CORE_DAX_DAX_INSTANCE_H_
#define NVDIMMFS_CORE_DAX_DAX_INSTANCE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "core/dax/dax_bus.h"
#include "core/dax/dax_host.h"
#include "core/media/media.h"
#include "core/media/poison_observer.h"
#include "core/model/data_node.h"
#include "core/model/device.h"
#include "core/model/engine.h"
#include "core/model/node_numbers.h"

namespace nvdimmfs::core {

class DaxRegion final : public Device {
 public:
  explicit DaxRegion(DaxHost& host);
  DaxHost& host() const { return host_; }
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }

 private:
  DaxHost& host_;
};

class DaxInstance final : public Device, public PoisonObserver {
 public:
  // Creates the dax device `name` below `host`, which must outlive it, registers it and offers it
  // to the drivers. `media` holds its bytes, and `observed` reports which of them are bad.
  static std::shared_ptr<DaxInstance> Attach(DaxBus& bus, DaxHost& host, std::string name,
                                             std::shared_ptr<Media> media, Media& observed,
                                             std::vector<std::string> aliases);
  void Detach();

  DaxHost& host() const { return host_; }
  BusType* bus_type() const override { return &bus_; }
  // Null unless it is bound to device_dax.
  DataNode* node() const {
    engine().AssertLocked();
    return node_.get();
  }
  const DataNode* data_file() const override { return node(); }
  std::string file() const;  // "dev/dax0.0"
  DeviceNumber number() const;

  // Called by the drivers when they bind or unbind it. device_dax: adds and removes the file in
  // dev/.
  absl::Status Open();
  void Close();
  // kmem: its memory becomes system memory (memory_blocks.h).
  absl::Status AddToMemory();
  void RemoveFromMemory();

  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;
  std::optional<DeviceLink> node_link() const override;
  std::string uevent() const override;
  void PoisonChanged(PoisonChange change) override;

 private:
  DaxInstance(DaxBus& bus, DaxHost& host, std::string name, std::shared_ptr<Media> media,
              std::vector<std::string> aliases);

  DaxBus& bus_;
  DaxHost& host_;
  const uint32_t minor_;
  const std::shared_ptr<Media> media_;
  const std::vector<std::string> aliases_;
  std::shared_ptr<DataNode> node_ ABSL_GUARDED_BY(engine().lock());
  std::shared_ptr<DaxRegion> region_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_INSTANCE_H_
