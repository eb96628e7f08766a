// SPDX-License-Identifier: Apache-2.0
// Updates of a DIMM's firmware: an image arrives in pieces, is verified and then staged;
// activation, or the next power cycle, makes it the running one.
//
//   idle --start--> receiving --finish--> verifying --(time)--> staged --activate--> idle
//                       \--abort--> idle        \--(bad image)--> idle
//
// The content of an image is not checked, only that it was sent without gaps. Thread rules: under
// the configuration lock.
#ifndef NVDIMMFS_CORE_INTEL_UPDATE_H_
#define NVDIMMFS_CORE_INTEL_UPDATE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "core/intel/format.h"

namespace nvdimmfs::core::intel {

struct UpdateProfile {
  uint32_t storage_size = 1 << 20;    // bytes
  uint32_t max_send_size = 0xffec;    // bytes
  uint32_t query_interval = 250'000;  // microseconds
  uint32_t max_query_time = 3'000'000;
  uint8_t capability = 0;
  uint32_t fis_version = 0x0105;
  uint64_t running_version = 0x0001'0000'0001;
  uint64_t next_version = 0;  // version of any image sent; 0: the running version plus one
  absl::Duration verify_time = absl::Seconds(1);
  // Whether an activated version becomes the running version. False as in the kernel's test module,
  // whose DIMMs never change the running version and keep showing the activated one as the next.
  bool activation_moves_on = true;
};

// Results of an activation, for nmemN/firmware/result.
enum class ActivateResult { kNone, kSuccess, kNotStaged };

class Update {
 public:
  explicit Update(const UpdateProfile& profile);

  // The five functions; each returns its status.
  FirmwareInfoOutput Info(absl::Time now);
  Status Start(absl::Time now, uint32_t& context);
  Status Send(const FirmwareSendInput& input, uint64_t data_size);
  Status Finish(const FirmwareFinishInput& input, absl::Time now);
  Status Query(uint32_t context, absl::Time now, uint64_t& version);

  // Activation: whether this DIMM takes part in the bus's next activation.
  bool armed() const { return armed_; }
  void set_armed(bool armed) { armed_ = armed; }
  // The bus activates: the staged image becomes the running one.
  void Activate(absl::Time now);
  ActivateResult result() const { return result_; }
  void ForgetResult() { result_ = ActivateResult::kNone; }

  uint64_t running_version() const { return running_; }
  uint64_t staged_version(absl::Time now);  // 0: none
  // Restores what the DIMM kept across a power cycle.
  void Restore(uint64_t running, uint64_t staged);

 private:
  enum class State { kIdle, kReceiving, kVerifying, kStaged };

  void Settle(absl::Time now);
  bool IsWhole() const { return !gap_ && received_ != 0; }

  UpdateProfile profile_;
  State state_ = State::kIdle;
  uint32_t context_ = 0;
  uint64_t received_ = 0;  // bytes from the image's start
  bool gap_ = false;
  bool bad_ = false;  // the last image was refused
  absl::Time verified_at_;
  uint64_t running_;
  uint64_t staged_ = 0;
  bool armed_ = false;
  ActivateResult result_ = ActivateResult::kNone;
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_UPDATE_H_
