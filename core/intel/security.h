// SPDX-License-Identifier: Apache-2.0
// A DIMM's security: passphrases, and the states that they control. It does not erase the DIMM's
// bytes: their owner does when told to.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_INTEL_SECURITY_H_
#define NVDIMMFS_CORE_INTEL_SECURITY_H_

#include <cstdint>

#include "core/intel/format.h"
#include "core/intel/passphrase.h"

namespace nvdimmfs::core::intel {

// Consecutive wrong passphrases after which a DIMM needs a power cycle before it checks another.
inline constexpr int kPassphraseTries = 3;

class Security {
 public:
  // What a DIMM keeps across a power cycle.
  struct Kept {
    bool enabled = false;
    Passphrase user = {};
    Passphrase master = {};
    bool overwriting = false;
  };

  // For each of the two passphrases: after `wrong_limit` consecutive wrong ones it checks no more
  // until the next power cycle; 0: unlimited.
  explicit Security(int wrong_limit = 0) : wrong_limit_(wrong_limit) {}

  // Sets the state after power-on: locked if there is a passphrase.
  void PowerOn(const Kept& kept);
  Kept kept() const { return {enabled_, user_, master_, overwriting_}; }

  bool enabled() const { return enabled_; }
  bool locked() const { return locked_; }
  // Frozen, or treated as frozen after too many wrong passphrases.
  bool frozen() const { return frozen_ || user_exhausted(); }
  // After too many wrong passphrases, no other is checked until the next power cycle.
  bool user_exhausted() const { return Exhausted(wrong_user_); }
  bool master_exhausted() const { return Exhausted(wrong_master_); }
  bool overwriting() const { return overwriting_; }

  Status Unlock(const Passphrase& given);
  Status SetPassphrase(const Passphrase& old, const Passphrase& fresh);
  Status DisablePassphrase(const Passphrase& given);
  Status Freeze();
  Status SetMasterPassphrase(const Passphrase& old, const Passphrase& fresh);

  // Whether this passphrase allows an erase. Call `Erased` once it is done.
  Status CheckErase(const Passphrase& given);
  Status CheckMasterErase(const Passphrase& given);
  void Erased();
  Status CheckOverwrite(const Passphrase& given);
  void BeginOverwrite() { overwriting_ = true; }
  // Keeps the passphrase.
  void EndOverwrite() { overwriting_ = false; }

  // Locks it, as from the platform's console: tests use it to get a locked DIMM.
  void Lock();

 private:
  bool Exhausted(int wrong) const { return wrong_limit_ != 0 && wrong >= wrong_limit_; }
  Status Compare(const Passphrase& given, const Passphrase& right, int& wrong);
  Status CompareUser(const Passphrase& given);
  Status CompareMaster(const Passphrase& given) { return Compare(given, master_, wrong_master_); }

  int wrong_limit_;
  int wrong_user_ = 0, wrong_master_ = 0;  // consecutive, since power-on
  bool enabled_ = false;
  bool locked_ = false;
  bool frozen_ = false;
  bool overwriting_ = false;
  Passphrase user_ = {};
  Passphrase master_ = {};
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_SECURITY_H_
