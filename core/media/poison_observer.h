// SPDX-License-Identifier: Apache-2.0
// Who wants to know that bytes of a Media have become bad, or good again.
#ifndef NVDIMMFS_CORE_MEDIA_POISON_OBSERVER_H_
#define NVDIMMFS_CORE_MEDIA_POISON_OBSERVER_H_

namespace nvdimmfs::core {

enum class PoisonChange { kWentBad, kHealed };

class PoisonObserver {
 public:
  virtual ~PoisonObserver() = default;

  // Called after the change, in the thread that made it (a data I/O, as often as not), with no lock
  // of the Media held. What changed may lie outside the part that the observer cares for.
  virtual void PoisonChanged(PoisonChange change) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_POISON_OBSERVER_H_
