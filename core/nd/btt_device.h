// SPDX-License-Identifier: Apache-2.0
// bttR.j: serves its namespace as a disk of sectors that are never torn.
#ifndef NVDIMMFS_CORE_ND_BTT_DEVICE_H_
#define NVDIMMFS_CORE_ND_BTT_DEVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/nd/btt_arena.h"
#include "core/nd/claim_device.h"
#include "core/nd/disk.h"

namespace nvdimmfs::core {

class BttDevice final : public ClaimDevice {
 public:
  explicit BttDevice(Region& region);

  // External sector size, bytes; 0: not set.
  uint64_t lbasize() const {
    engine().AssertLocked();
    return lbasize_;
  }
  // Takes over the identity of a BTT found on the media.
  void Adopt(const SectorIdentity& found);
  absl::Status SetSectorSize(absl::string_view text);
  absl::StatusOr<uint64_t> size() const;  // usable bytes; ENXIO while unbound

  bool OwnsUuid(const Uuid& other) const override { return !other.is_nil() && uuid() == other; }
  absl::string_view namespace_mode() const override { return "safe"; }
  DataNode* node() const override;
  absl::Status Probe() override;
  void Remove() override;

  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::string devtype() const override { return "nd_btt"; }
  std::string modalias() const override;

 protected:
  bool Accepts(ClaimClass claim_class) const override;
  void Reset() override;

 private:
  uint64_t lbasize_ ABSL_GUARDED_BY(engine().lock()) = 0;
  // While enabled.
  std::shared_ptr<Disk> disk_ ABSL_GUARDED_BY(engine().lock());
  std::vector<std::shared_ptr<BttArena>> arenas_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_BTT_DEVICE_H_
