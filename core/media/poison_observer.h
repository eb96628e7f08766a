// SPDX-License-Identifier: Apache-2.0
// Is told when bytes of a Media become bad, or good again.
#ifndef NVDIMMFS_CORE_MEDIA_POISON_OBSERVER_H_
#define NVDIMMFS_CORE_MEDIA_POISON_OBSERVER_H_

namespace nvdimmfs::core {

enum class PoisonChange { kWentBad, kHealed };

class PoisonObserver {
 public:
  virtual ~PoisonObserver() = default;

  // Called after the change, on the thread that made it (often a data I/O), with no lock of the
  // Media held. The change may be outside the part that concerns the observer.
  virtual void PoisonChanged(PoisonChange change) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_POISON_OBSERVER_H_
