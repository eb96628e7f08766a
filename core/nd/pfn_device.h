// SPDX-License-Identifier: Apache-2.0
// pfnR.j and daxR.j: expose the data area of their namespace, as the info block defines it, as a
// disk (fsdax) or as one character device (devdax).
#ifndef NVDIMMFS_CORE_ND_PFN_DEVICE_H_
#define NVDIMMFS_CORE_ND_PFN_DEVICE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "core/dax/dax_host.h"
#include "core/dax/dax_instance.h"
#include "core/info_blocks/info_block.h"
#include "core/nd/claim_device.h"
#include "core/nd/disk.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {

class PfnDevice final : public ClaimDevice, public DaxHost {
 public:
  // `kind` is kPfn or kDax.
  PfnDevice(Region& region, const DeviceKind& kind);

  // Reads the info block of a namespace that is being probed; errors as ReadInfoBlock.
  static absl::StatusOr<InfoBlockView> Detect(const Namespace& ns, const DeviceKind& kind);
  void Adopt(const InfoBlockView& found);

  InfoBlockMode mode() const {
    engine().AssertLocked();
    return mode_;
  }
  Device& host_device() override { return *this; }
  int region_number() const override { return region().id(); }
  uint64_t align() const override {
    engine().AssertLocked();
    return align_;
  }
  absl::StatusOr<Range> data() const override;  // ENXIO while unbound
  bool read_only() const override { return region().read_only(); }
  absl::Status SetMode(absl::string_view raw_text);
  absl::Status SetAlign(absl::string_view text);

  // (The uuid of a dax need not be unique.)
  bool OwnsUuid(const Uuid& other) const override {
    return !is_dax() && !other.is_nil() && uuid() == other;
  }
  absl::string_view namespace_mode() const override { return is_dax() ? "dax" : "memory"; }
  DataNode* node() const override;
  absl::Status Probe() override;
  void Remove() override;

  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::string devtype() const override { return is_dax() ? "nd_dax" : "nd_pfn"; }
  std::string modalias() const override;

 protected:
  bool Accepts(ClaimClass claim_class) const override;
  void Reset() override;

 private:
  bool is_dax() const { return kind() == NdKind::kDax; }
  absl::StatusOr<InfoBlockView> FindOrMakeBlock(Media& media);

  InfoBlockMode mode_ ABSL_GUARDED_BY(engine().lock()) = InfoBlockMode::kNone;
  uint64_t align_ ABSL_GUARDED_BY(engine().lock()) = 2 << 20;
  // While bound. The data is relative to the namespace.
  std::optional<Range> data_ ABSL_GUARDED_BY(engine().lock());
  std::shared_ptr<Disk> disk_ ABSL_GUARDED_BY(engine().lock());
  std::shared_ptr<DaxInstance> dax_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_PFN_DEVICE_H_
