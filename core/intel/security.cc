#include "core/intel/security.h"

namespace nvdimmfs::core::intel {

void Security::PowerOn(const Kept& kept) {
  enabled_ = kept.enabled;
  locked_ = kept.enabled;
  frozen_ = false;
  overwriting_ = kept.overwriting;
  user_ = kept.user;
  master_ = kept.master;
}

Status Security::Unlock(const Passphrase& given) {
  if (!locked_ || frozen_) return kWrongSecurityState;
  if (given != user_) return kWrongPassphrase;
  locked_ = false;
  return kSuccess;
}

Status Security::SetPassphrase(const Passphrase& old, const Passphrase& fresh) {
  if (frozen_ || locked_) return kWrongSecurityState;
  if (old != user_) return kWrongPassphrase;
  user_ = fresh;
  enabled_ = true;
  return kSuccess;
}

Status Security::DisablePassphrase(const Passphrase& given) {
  if (!enabled_ || frozen_ || locked_) return kWrongSecurityState;
  if (given != user_) return kWrongPassphrase;
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
  if (old != master_) return kWrongPassphrase;
  master_ = fresh;
  return kSuccess;
}

Status Security::CheckErase(const Passphrase& given) const {
  if (frozen_) return kWrongSecurityState;
  return given == user_ ? kSuccess : kWrongPassphrase;
}

Status Security::CheckMasterErase(const Passphrase& given) const {
  if (frozen_) return kWrongSecurityState;
  return given == master_ ? kSuccess : kWrongPassphrase;
}

void Security::Erased() {
  enabled_ = locked_ = false;
  user_ = {};
}

Status Security::CheckOverwrite(const Passphrase& given) const {
  if (frozen_ || overwriting_) return kWrongSecurityState;
  if (enabled_ && given != user_) return kWrongPassphrase;
  return kSuccess;
}

void Security::Lock() {
  enabled_ = true;
  locked_ = true;
}

}  // namespace nvdimmfs::core::intel
