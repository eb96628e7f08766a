// What a bound dax shows below itself: `dax_region`, and the one character device daxR.i that
// carries the namespace's number.
#ifndef NVDIMMFS_CORE_DAX_INSTANCE_H_
#define NVDIMMFS_CORE_DAX_INSTANCE_H_

#include <memory>
#include <string>
#include <vector>

#include "core/data_node.h"
#include "core/device.h"
#include "core/media.h"
#include "core/poison_observer.h"

namespace nvdimmfs::core {

class PfnDevice;

class DaxRegion final : public Device {
 public:
  explicit DaxRegion(PfnDevice& dax);
  PfnDevice& dax() const { return dax_; }
  absl::Span<const Attribute> attributes() const override;

 private:
  PfnDevice& dax_;
};

class DaxInstance final : public Device, public PoisonObserver {
 public:
  static std::shared_ptr<DaxInstance> Attach(PfnDevice& dax, std::shared_ptr<Media> media,
                                             std::vector<std::string> aliases);
  void Detach();

  PfnDevice& dax() const { return dax_; }
  DataNode& node() const { return *node_; }
  std::string device_number() const;

  absl::Span<const Attribute> attributes() const override;
  std::vector<DeviceLink> links() const override;
  std::string uevent() const override;
  void PoisonChanged(PoisonChange change) override;

 private:
  DaxInstance(PfnDevice& dax, std::string name, std::shared_ptr<DataNode> node,
              std::vector<std::string> aliases);

  PfnDevice& dax_;
  const std::shared_ptr<DataNode> node_;
  const std::vector<std::string> aliases_;
  std::shared_ptr<DaxRegion> region_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_INSTANCE_H_
