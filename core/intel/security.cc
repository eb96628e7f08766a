// SPDX-License-Identifier: Apache-2.0
#include "core/intel/security.h"

namespace nvdimmfs::core::intel {

void Security::PowerOn(const Kept& kept) {
  enabled_ = kept.enabled;
  locked_ = kept.enabled;
  frozen_ = false;
  wrong_user_ = wrong_master_ = 0;
  overwriting_ = kept.overwriting;
  user_ = kept.user;
  master_ = kept.master;
}

Status Security::Compare(const Passphrase& given, const Passphrase& right, int& wrong) {
  if (Exhausted(wrong)) return kWrongSecurityState;
  wrong = given == right ? 0 : wrong + 1;
  return given == right ? kSuccess : kWrongPassphrase;
}

// Without a passphrase, there is nothing to guess.
Status Security::CompareUser(const Passphrase& given) {
  int none = 0;
  return Compare(given, user_, enabled_ ? wrong_user_ : none);
}

Status Security::Unlock(const Passphrase& given) {
  if (!locked_ || frozen_) return kWrongSecurityState;
  if (const Status status = CompareUser(given); status != kSuccess) return status;
  locked_ = false;
  return kSuccess;
}

Status Security::SetPassphrase(const Passphrase& old, const Passphrase& fresh) {
  if (frozen_ || locked_) return kWrongSecurityState;
  if (const Status status = CompareUser(old); status != kSuccess) return status;
  user_ = fresh;
  enabled_ = true;
  return kSuccess;
}

Status Security::DisablePassphrase(const Passphrase& given) {
  if (!enabled_ || frozen_ || locked_) return kWrongSecurityState;
  if (const Status status = CompareUser(given); status != kSuccess) return status;
  user_ = {};
  enabled_ = false;
  return kSuccess;
}

Status Security::Freeze() {
  if (!enabled_) return kWrongSecurityState;
  frozen_ = true;
  return kSuccess;
}

Status Security::SetMasterPassphrase(const Passphrase& old, const Passphrase& fresh) {
  if (frozen_) return kWrongSecurityState;
  if (const Status status = CompareMaster(old); status != kSuccess) return status;
  master_ = fresh;
  return kSuccess;
}

Status Security::CheckErase(const Passphrase& given) {
  return frozen_ ? kWrongSecurityState : CompareUser(given);
}

Status Security::CheckMasterErase(const Passphrase& given) {
  return frozen_ ? kWrongSecurityState : CompareMaster(given);
}

void Security::Erased() {
  enabled_ = locked_ = false;
  user_ = {};
}

Status Security::CheckOverwrite(const Passphrase& given) {
  if (frozen_ || overwriting_) return kWrongSecurityState;
  return enabled_ ? CompareUser(given) : kSuccess;
}

void Security::Lock() {
  enabled_ = true;
  locked_ = true;
}

}  // namespace nvdimmfs::core::intel
