// SPDX-License-Identifier: Apache-2.0
// The firmware of an emulated DIMM of the Intel family: what its functions return, and what it
// keeps across a power cycle.
//
// The device model calls it. It does not erase the DIMM's bytes: their owner does. Thread rules:
// under the configuration lock.
#ifndef NVDIMMFS_CORE_INTEL_FIRMWARE_H_
#define NVDIMMFS_CORE_INTEL_FIRMWARE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/intel/format.h"
#include "core/intel/health.h"
#include "core/intel/kept_state.h"
#include "core/intel/key_ring.h"
#include "core/intel/security.h"
#include "core/intel/update.h"

namespace nvdimmfs::core::intel {

class Firmware {
 public:
  struct Options {
    uint64_t functions = kAllBits;   // bit n: function n; shown as nfit/dsm_mask
    uint32_t label_transfer = 4076;  // the most bytes that one label command transfers
    HealthProfile health;
    UpdateProfile update;
    absl::Duration overwrite_time;  // an overwrite takes at least this long
    std::function<absl::Time()> now = absl::Now;
    std::shared_ptr<StateStore> store;  // null: nothing is kept
    int passphrase_tries = 0;           // consecutive wrong ones allowed; 0: unlimited
    std::shared_ptr<KeyRing> keys;      // null: no key is ever found
  };

  // Creates it in its state after power-on. Fails as the store's Load and as DecodeKeptState do.
  static absl::StatusOr<std::shared_ptr<Firmware>> PowerOn(Options options);
  // A clean shutdown: saves what is kept.
  ~Firmware();
  Firmware(const Firmware&) = delete;
  Firmware& operator=(const Firmware&) = delete;

  uint64_t functions() const { return options_.functions; }
  bool has(Function function) const { return (options_.functions & BitOf(function)) != 0; }
  uint32_t label_transfer() const { return options_.label_transfer; }
  absl::Duration overwrite_time() const { return options_.overwrite_time; }
  absl::Time now() const { return options_.now(); }

  // Runs a function other than those for labels, security and activation, and returns its output,
  // which begins with a status. A missing function returns only a status.
  std::vector<std::byte> Run(uint32_t function, absl::Span<const std::byte> in);

  const Health& health() const { return state_.health; }
  const Security& security() const { return state_.security; }
  Update& update() { return state_.update; }

  // The result of the last shutdown, as the platform saw it at boot.
  uint32_t shutdowns_at_boot() const { return shutdowns_at_boot_; }
  bool dirty_at_boot() const { return dirty_at_boot_; }

  // Runs `change` on the security state. If it succeeds, the new state is saved before it takes
  // effect; if it fails, it must not have changed anything that is kept. If saving fails, nothing
  // changes, and the store's refusal is returned.
  absl::StatusOr<Status> ChangeSecurity(absl::FunctionRef<Status(Security&)> change);
  // Activates the staged firmware, as part of the bus's activation.
  absl::Status Activate();

  KeyRing* keys() const { return options_.keys.get(); }

 private:
  struct State {
    Health health;
    Update update;
    Security security;
    bool latched = false;
  };

  explicit Firmware(Options options);
  absl::Status Load();
  KeptState Kept();
  absl::Status Save();
  std::vector<std::byte> Answer(uint32_t function, absl::Span<const std::byte> in);
  std::vector<std::byte> SetThreshold(absl::Span<const std::byte> in);
  std::vector<std::byte> InjectSmart(absl::Span<const std::byte> in);
  std::vector<std::byte> EnableLatch(absl::Span<const std::byte> in);
  std::vector<std::byte> StartUpdate();
  std::vector<std::byte> SendUpdate(absl::Span<const std::byte> in);
  std::vector<std::byte> FinishUpdate(absl::Span<const std::byte> in);
  std::vector<std::byte> QueryUpdate(absl::Span<const std::byte> in);

  const Options options_;
  State state_;
  std::string saved_;  // the record in the store
  uint32_t shutdowns_at_boot_ = 0;
  bool dirty_at_boot_ = false;
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_FIRMWARE_H_
