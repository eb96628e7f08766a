// SPDX-License-Identifier: Apache-2.0
// The host of a dax device: the device whose memory the dax device exposes.
#ifndef NVDIMMFS_CORE_DAX_DAX_HOST_H_
#define NVDIMMFS_CORE_DAX_DAX_HOST_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/base/range.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

class DaxHost {
 public:
  virtual ~DaxHost() = default;

  // The device below which the dax device is shown.
  virtual Device& host_device() = 0;
  // The number that the dax device's region shows.
  virtual int region_number() const = 0;
  virtual uint64_t align() const = 0;  // bytes
  // The memory, in system physical addresses. ENXIO if there is none yet.
  virtual absl::StatusOr<Range> data() const = 0;
  virtual bool read_only() const = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_HOST_H_
