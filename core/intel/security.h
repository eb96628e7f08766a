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

class Security {
 public:
  // What a DIMM keeps over a power cycle.
  struct Kept {
    bool enabled = false;
    Passphrase user = {};
    Passphrase master = {};
    bool overwriting = false;
  };

  // As after power on: with a passphrase it is locked.
  void PowerOn(const Kept& kept);
  Kept kept() const { return {enabled_, user_, master_, overwriting_}; }

  bool enabled() const { return enabled_; }
  bool locked() const { return locked_; }
  bool frozen() const { return frozen_; }
  bool overwriting() const { return overwriting_; }

  Status Unlock(const Passphrase& given);
  Status SetPassphrase(const Passphrase& old, const Passphrase& fresh);
  Status DisablePassphrase(const Passphrase& given);
  Status Freeze();
  Status SetMasterPassphrase(const Passphrase& old, const Passphrase& fresh);

  // Whether an erase with this passphrase may be done; `Erased` once it is.
  Status CheckErase(const Passphrase& given) const;
  Status CheckMasterErase(const Passphrase& given) const;
  void Erased();
  Status CheckOverwrite(const Passphrase& given) const;
  void BeginOverwrite() { overwriting_ = true; }
  // The passphrase stays.
  void EndOverwrite() { overwriting_ = false; }

  // As somebody at the platform's console would: a test's way to a locked DIMM.
  void Lock();

 private:
  bool enabled_ = false;
  bool locked_ = false;
  bool frozen_ = false;
  bool overwriting_ = false;
  Passphrase user_ = {};
  Passphrase master_ = {};
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_SECURITY_H_
