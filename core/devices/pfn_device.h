// pfnR.j and daxR.j: serve the part of their namespace that an info block leaves to data, as a disk
// (fsdax) or as one character device (devdax).
#ifndef NVDIMMFS_CORE_DEVICES_PFN_DEVICE_H_
#define NVDIMMFS_CORE_DEVICES_PFN_DEVICE_H_

#include <memory>
#include <optional>
#include <string>

#include "core/devices/claim_device.h"
#include "core/devices/dax_instance.h"
#include "core/devices/disk.h"
#include "core/info_blocks/info_block.h"

namespace nvdimmfs::core {

class PfnDevice final : public ClaimDevice {
 public:
  // `kind` is kPfn or kDax.
  PfnDevice(Region& region, DeviceKind kind);

  // What a probing namespace carries; errors as ReadInfoBlock.
  static absl::StatusOr<InfoBlockView> Detect(const Namespace& ns, DeviceKind kind);
  void Adopt(const InfoBlockView& found);

  InfoBlockMode mode() const { return mode_; }
  uint64_t align() const { return align_; }
  // The data, in system physical addresses. ENXIO while unbound.
  absl::StatusOr<Range> data() const;
  absl::Status SetMode(absl::string_view raw_text);
  absl::Status SetAlign(absl::string_view text);

  absl::string_view namespace_mode() const override { return is_dax() ? "dax" : "memory"; }
  DataNode* node() const override;
  absl::Status Probe() override;
  void Remove() override;

  absl::Span<const Attribute> attributes() const override;
  std::string devtype() const override { return is_dax() ? "nd_dax" : "nd_pfn"; }
  std::string modalias() const override;

 protected:
  bool Accepts(ClaimClass claim_class) const override;
  void Reset() override;

 private:
  bool is_dax() const { return kind() == DeviceKind::kDax; }
  absl::StatusOr<InfoBlockView> FindOrMakeBlock(Media& media);

  InfoBlockMode mode_ = InfoBlockMode::kNone;
  uint64_t align_ = 2 << 20;
  std::optional<Range> data_;  // while bound; relative to the namespace
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<DaxInstance> dax_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_PFN_DEVICE_H_
