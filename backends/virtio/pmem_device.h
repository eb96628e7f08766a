// SPDX-License-Identifier: Apache-2.0
// A driver for the virtio-pmem PCI device: finds its memory, and flushes it.
//
// Modern devices only (VIRTIO_F_VERSION_1). The memory is where the device configuration says, or,
// if the device has VIRTIO_PMEM_F_SHMEM_REGION and a shared memory region 0, in that region of a
// BAR.
//
// One request is in flight at a time, with one notification each: some devices treat more as a
// fatal error. No interrupts: completion is polled, tightly at first.
//
// A device that requests a reset, or does not answer, is reset and set up again, and the flush is
// repeated once: whichever request succeeds covers all earlier stores. A removed device is not
// recovered.
#ifndef NVDIMMFS_BACKENDS_VIRTIO_PMEM_DEVICE_H_
#define NVDIMMFS_BACKENDS_VIRTIO_PMEM_DEVICE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "backends/virtio/pci_function.h"
#include "backends/virtio/spec.h"
#include "core/base/range.h"

namespace nvdimmfs::backends::virtio {

class PmemDevice {
 public:
  struct Patience {
    absl::Duration answer = absl::Seconds(60);  // a host's fsync may take long
    absl::Duration reset = absl::Seconds(5);
  };

  // Finds the device's structures, resets it and sets it up. Refused with EIO or EINVAL:
  // "virtio.kind" (not such a device), "virtio.capabilities" (structures are missing or malformed),
  // "virtio.features" (not a modern device, or it rejects the chosen features), "virtio.iommu",
  // "virtio.queue", "virtio.range" (invalid memory range), "virtio.gone", "virtio.reset" (the reset
  // does not complete); else as PciFunction.
  static absl::StatusOr<std::unique_ptr<PmemDevice>> Make(std::unique_ptr<PciFunction> function,
                                                          const Patience& patience);
  // Resets it.
  ~PmemDevice();

  const core::Range& memory() const { return memory_; }  // guest physical addresses

  // Returns when all earlier stores to its memory are durable on the host. Refused with EIO:
  // "virtio.flush" (it failed on the host), "virtio.gone", "virtio.reset". Thread rules: any
  // thread, one after the other; FlushQueue (flush_queue.h) merges them.
  absl::Status Flush() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Outcome { kDone, kRefused, kSilent, kNeedsReset, kGone, kConfused };

  PmemDevice(std::unique_ptr<PciFunction> function, const Patience& patience)
      : function_(std::move(function)), patience_(patience) {}
  absl::Status Find();
  absl::Status MapStructure(const PciCapability& capability);
  absl::Status TakeSharedMemory(const PciCapability& capability);
  absl::Status SetUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Reset() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Negotiate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FindMemory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  core::Range ReadMemory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SetUpQueue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Outcome Ask() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Outcome AwaitAnswer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint8_t ReadStatus() { return static_cast<uint8_t>(common_->Read(kStatus, 1)); }
  void AddStatus(uint8_t bits);
  void WriteAddress(unsigned offset, uint64_t address);
  uint64_t ReadDevice64(unsigned offset);
  absl::Status Gone() const;

  const std::unique_ptr<PciFunction> function_;
  const Patience patience_;
  std::unique_ptr<Registers> common_;
  std::unique_ptr<Registers> device_;
  std::unique_ptr<Registers> notify_;
  uint64_t notify_size_ = 0;
  uint32_t notify_multiplier_ = 0;
  std::optional<core::Range> shared_;  // addresses of shared memory region 0
  core::Range memory_;

  absl::Mutex mutex_;
  DmaPage page_ ABSL_GUARDED_BY(mutex_);
  uint16_t asked_ ABSL_GUARDED_BY(mutex_) = 0;         // requests since the last set-up
  bool shared_taken_ ABSL_GUARDED_BY(mutex_) = false;  // negotiated: memory_ is shared_
  unsigned notify_offset_ ABSL_GUARDED_BY(mutex_) = 0;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace nvdimmfs::backends::virtio

#endif  // NVDIMMFS_BACKENDS_VIRTIO_PMEM_DEVICE_H_
