// SPDX-License-Identifier: Apache-2.0
// Address-range scrub of one bus (ARS; ACPI specification, "NVDIMM root device _DSMs").
//
// It has two parts. The firmware runs one scrub of one address range at a time, which takes time
// and then has results. The kernel's worker uses the firmware: on request it scrubs one region
// after the other, records the bad ranges of each, and counts full cycles (`nfit/scrub`).
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_ND_SCRUB_H_
#define NVDIMMFS_CORE_ND_SCRUB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/range.h"
#include "core/media/media_errors.h"
#include "core/model/device.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {

class Scrub {
 public:
  struct Part {
    std::string region;
    MediaErrors::Place place;
  };
  // Scrubs `parts` of `bus`, which must outlive it; scrubbing one of them takes `time`. `outside`
  // says how to treat errors elsewhere.
  Scrub(Device& bus, const std::vector<Part>& parts, MediaErrors::Outside outside,
        absl::Duration time);

  MediaErrors& errors() { return errors_; }

  // --- The firmware. ---
  enum class State { kNeverRun, kRunning, kDone };
  struct Results {
    Range range;        // what was scrubbed
    uint16_t type = 0;  // 1 volatile, 2 persistent
    std::vector<Range> bad;
  };
  // False if one is already running.
  bool StartFirmware(const Range& range, uint16_t type);
  State state() const;
  // The results of the scrub that was started last.
  const Results& results() const {
    bus_.engine().AssertLocked();
    return results_;
  }
  absl::Duration time() const { return time_; }

  // --- The worker. ---
  enum class Depth { kShort, kLong };  // short: only what is already known
  // Scrubs every region in turn. Refused with EBUSY, "scrub.busy", if such a scrub is already
  // pending, and with ENOTTY, "scrub.none", if there is nothing to scrub.
  absl::Status Start(Depth depth);
  bool busy() const {
    bus_.engine().AssertLocked();
    return busy_;
  }
  uint64_t cycles() const {
    bus_.engine().AssertLocked();
    return cycles_;
  }
  // "idle", or the current position: "region0 long 1/2 40%".
  std::string Progress() const;

 private:
  struct Request {
    std::string region;
    Range spa;
    bool wanted[2] = {};  // by Depth
  };
  void Step();
  void Finish(size_t request, Depth depth);

  Device& bus_;
  const absl::Duration time_;
  MediaErrors errors_;
  absl::Time ends_ ABSL_GUARDED_BY(bus_.engine().lock()) =
      absl::InfinitePast();  // of the firmware's scrub
  bool ever_run_ ABSL_GUARDED_BY(bus_.engine().lock()) = false;
  Results results_ ABSL_GUARDED_BY(bus_.engine().lock());
  bool busy_ ABSL_GUARDED_BY(bus_.engine().lock()) = false;
  uint64_t cycles_ ABSL_GUARDED_BY(bus_.engine().lock()) = 1;  // the one at boot
  std::vector<Request> requests_ ABSL_GUARDED_BY(bus_.engine().lock());
  const Request* current_ ABSL_GUARDED_BY(bus_.engine().lock()) = nullptr;
  Depth depth_ ABSL_GUARDED_BY(bus_.engine().lock()) = Depth::kShort;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_SCRUB_H_
