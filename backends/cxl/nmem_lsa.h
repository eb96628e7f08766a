// SPDX-License-Identifier: Apache-2.0
// The label storage area of a CXL memory device that the kernel's cxl_pmem drives.
//
// While that driver has the device, the mailbox accepts no writes of the area from user space. The
// kernel's own DIMM over the device, nmemN, does, by the ioctl of <linux/ndctl.h>, as long as no
// region of it is enabled. But an enabled DIMM keeps a copy of the labels, which it would write
// back later. So the DIMM must be disabled, too: the kernel then reads the area again when the
// DIMM is enabled.
//
// This is the only way to write labels where cxl_pmem cannot be unloaded (Linux 7.3).
#ifndef NVDIMMFS_BACKENDS_CXL_NMEM_LSA_H_
#define NVDIMMFS_BACKENDS_CXL_NMEM_LSA_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/cxl/lsa_access.h"
#include "backends/cxl/memdev.h"
#include "backends/cxl/topology.h"
#include "backends/sysfs_folder.h"

namespace nvdimmfs::backends::cxl {

inline constexpr char kNdDevices[] = "/sys/bus/nd/devices";

// The kernel's DIMM over the memory device `memdev`, which it drives as `pmem` ("pmem0"): by its
// attribute cxl/provider; on kernels without it (6.1), by the mapping of a region of `regions` with
// the device. Nothing if neither identifies it.
std::optional<SysfsFolder> FindNmem(const SysfsFolder& nd_devices, const std::string& memdev,
                                    const std::string& pmem, const std::vector<Region>& regions);

// Refused with EBUSY, "cxl.lsa.owned", while the DIMM, or a region over it, is enabled; the
// sentence says what to type.
absl::Status CheckDisabled(const SysfsFolder& nmem);

class NmemLsa final : public LsaAccess {
 public:
  // ioctl(2) on the DIMM's node: 0, or its errno.
  using Ioctl = std::function<int(unsigned long request, void* argument)>;

  // Reads go to `device` itself. One command writes `most` bytes. Any thread may call `ioctl`.
  NmemLsa(std::shared_ptr<LsaAccess> device, size_t most, SysfsFolder nmem, Ioctl ioctl)
      : device_(std::move(device)), most_(most), nmem_(std::move(nmem)), ioctl_(std::move(ioctl)) {}
  // Through the node /dev/nmemN. Refused as OpenNode and CheckDisabled.
  static absl::StatusOr<std::shared_ptr<NmemLsa>> Open(std::shared_ptr<Memdev> device,
                                                       const SysfsFolder& nmem);

  const std::string& name() const override { return device_->name(); }
  uint64_t lsa_size() const override { return device_->lsa_size(); }
  absl::Status ReadLsa(uint64_t offset, absl::Span<std::byte> out) const override {
    return device_->ReadLsa(offset, out);
  }
  // Refused also as CheckDisabled, and with the kernel's errno and "cxl.command".
  absl::Status WriteLsa(uint64_t offset, absl::Span<const std::byte> data) override;

 private:
  absl::Status WritePiece(uint64_t offset, absl::Span<const std::byte> piece);

  const std::shared_ptr<LsaAccess> device_;
  const size_t most_;
  const SysfsFolder nmem_;
  const Ioctl ioctl_;
};

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_NMEM_LSA_H_
