// SPDX-License-Identifier: Apache-2.0
// A DIMM's security: passphrases, and the states that they open and close. The bytes themselves are
// the owner's: it erases what this says is to be erased.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_INTEL_SECURITY_H_
#define NVDIMMFS_CORE_INTEL_SECURITY_H_

#include <cstdint>

#include "core/intel/format.h"
#include "core/intel/passphrase.h"

namespace nvdimmfs::core::intel {

// Wrong passphrases in a row after which a DIMM needs a power cycle before it checks another.
inline constexpr int kPassphraseTries = 3;

class Security {
 public:
  // What a DIMM keeps over a power cycle.
  struct Kept {
    bool enabled = false;
    Passphrase user = {};
    Passphrase master = {};
    bool overwriting = false;
  };

  // Of each of the two passphrases, `wrong_limit` wrong ones in a row are the last that it looks at
  // before the next power cycle; 0: any number may be tried.
  explicit Security(int wrong_limit = 0) : wrong_limit_(wrong_limit) {}

  // As after power on: with a passphrase it is locked.
  void PowerOn(const Kept& kept);
  Kept kept() const { return {enabled_, user_, master_, overwriting_}; }

  bool enabled() const { return enabled_; }
  bool locked() const { return locked_; }
  // Frozen, or as good as: too many wrong passphrases were tried.
  bool frozen() const { return frozen_ || Exhausted(wrong_user_); }
  bool overwriting() const { return overwriting_; }

  Status Unlock(const Passphrase& given);
  Status SetPassphrase(const Passphrase& old, const Passphrase& fresh);
  Status DisablePassphrase(const Passphrase& given);
  Status Freeze();
  Status SetMasterPassphrase(const Passphrase& old, const Passphrase& fresh);

  // Whether an erase with this passphrase may be done; `Erased` once it is.
  Status CheckErase(const Passphrase& given);
  Status CheckMasterErase(const Passphrase& given);
  void Erased();
  Status CheckOverwrite(const Passphrase& given);
  void BeginOverwrite() { overwriting_ = true; }
  // The passphrase stays.
  void EndOverwrite() { overwriting_ = false; }

  // As at the platform's console: how a test gets a locked DIMM.
  void Lock();

 private:
  bool Exhausted(int wrong) const { return wrong_limit_ != 0 && wrong >= wrong_limit_; }
  Status Compare(const Passphrase& given, const Passphrase& right, int& wrong);
  Status CompareUser(const Passphrase& given);
  Status CompareMaster(const Passphrase& given) { return Compare(given, master_, wrong_master_); }

  int wrong_limit_;
  int wrong_user_ = 0, wrong_master_ = 0;  // in a row, since power on
  bool enabled_ = false;
  bool locked_ = false;
  bool frozen_ = false;
  bool overwriting_ = false;
  Passphrase user_ = {};
  Passphrase master_ = {};
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_SECURITY_H_
