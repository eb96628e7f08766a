// Address-range scrub of one bus (ARS; ACPI specification, "NVDIMM root device _DSMs").
//
// Two parts. The firmware's: one scrub of one address range at a time, which takes its time and
// then has results. And what a kernel's worker does with it: on request it scrubs region after
// region, makes known what is bad in each, and counts full cycles (`nfit/scrub`).
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_ND_SCRUB_H_
#define NVDIMMFS_CORE_ND_SCRUB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/range.h"
#include "core/media/media_errors.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

class Scrub {
 public:
  struct Part {
    std::string region;
    MediaErrors::Place place;
  };
  // Of `parts` of `bus`, which outlives it; scrubbing one of them takes `time`. `outside` is what
  // becomes of errors elsewhere.
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
  // False where one is running.
  bool StartFirmware(const Range& range, uint16_t type);
  State state() const;
  const Results& results() const { return results_; }  // of the last that was started
  absl::Duration time() const { return time_; }

  // --- The worker. ---
  enum class Depth { kShort, kLong };  // short: what is known already
  // Scrubs every region in turn. Refused with EBUSY, "scrub.busy", where that is already asked for,
  // and with ENOTTY, "scrub.none", where there is nothing to scrub.
  absl::Status Start(Depth depth);
  bool busy() const { return busy_; }
  uint64_t cycles() const { return cycles_; }
  // "idle", or what it is at: "region0 long 1/2 40%".
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
  absl::Time ends_ = absl::InfinitePast();  // of the firmware's
  bool ever_run_ = false;
  Results results_;
  bool busy_ = false;
  uint64_t cycles_ = 1;  // the one at boot
  std::vector<Request> requests_;
  const Request* current_ = nullptr;
  Depth depth_ = Depth::kShort;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_SCRUB_H_
