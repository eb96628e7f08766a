// SPDX-License-Identifier: Apache-2.0
#include "core/services/dimm_security.h"

#include <cerrno>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/model/engine.h"
#include "core/nd/dimm.h"

namespace nvdimmfs::core {
namespace {

using intel::Passphrase;
using intel::Security;

Dimm& AsDimm(Device& device) { return static_cast<Dimm&>(device); }

bool HasSecurity(const Dimm& dimm) {
  return dimm.has_nfit() && dimm.firmware() != nullptr &&
         dimm.firmware()->has(intel::kSecurityState);
}

// --- Refusals ---

absl::Status Refused(const Dimm& dimm, int error, absl::string_view reason, absl::string_view why) {
  return Refusal(error, reason, absl::StrCat("security of ", dimm.name(), ": ", why));
}

absl::Status OutOfTries(const Dimm& dimm, int error, absl::string_view which) {
  return Refused(dimm, error, "security.tries",
                 absl::StrCat("too many wrong ", which,
                              " were given: none is checked until the next power cycle (unmount, "
                              "mount again)"));
}

absl::Status Frozen(const Dimm& dimm, int error) {
  if (dimm.firmware()->security().user_exhausted()) return OutOfTries(dimm, error, "passphrases");
  return Refused(dimm, error, "security.frozen",
                 "it was frozen until the next power cycle (unmount, mount again)");
}

enum class Whose { kUser, kMaster };

absl::Status WrongState(const Dimm& dimm, int error, Whose whose) {
  const Security& security = dimm.firmware()->security();
  if (whose == Whose::kMaster && security.master_exhausted())
    return OutOfTries(dimm, error, "master passphrases");
  if (security.frozen()) return Frozen(dimm, error);
  if (!security.enabled())
    return Refused(dimm, error, "security.no_passphrase",
                   "no passphrase is set; set one with update 0 KEY");
  if (security.locked())
    return Refused(dimm, error, "security.locked",
                   "the DIMM is locked; load its key and bind it to nvdimm again");
  return Refused(dimm, error, "security.state",
                 "not in its present state: see the attributes security and frozen");
}

// Converts the firmware's status to the result of the write. `wrong_state` is the errno if the
// firmware does not allow this in its current state; `whose` says whose passphrase was given.
absl::Status Verdict(const Dimm& dimm, intel::Status status, int wrong_state,
                     Whose whose = Whose::kUser) {
  switch (status) {
    case intel::kSuccess:
      return absl::OkStatus();
    case intel::kWrongPassphrase:
      return Refused(dimm, EINVAL, "security.passphrase", "the key is not the DIMM's passphrase");
    case intel::kNotSupported:
      return Refused(dimm, EOPNOTSUPP, "security.unsupported",
                     "its firmware does not support this");
    default:
      return WrongState(dimm, wrong_state, whose);
  }
}

// The kernel's checks before it looks up a key.
absl::Status CheckState(const Dimm& dimm) {
  const Security& security = dimm.firmware()->security();
  if (security.frozen()) return Frozen(dimm, EIO);
  if (security.overwriting())
    return Refused(dimm, EBUSY, "security.overwriting", "an overwrite is in progress; wait for it");
  return absl::OkStatus();
}

absl::Status CheckIdle(const Dimm& dimm, absl::string_view what) {
  if (!dimm.in_use()) return absl::OkStatus();
  return Refused(dimm, EBUSY, "security.active",
                 absl::StrCat(what, ": an enabled region uses the DIMM; disable the region first"));
}

// --- Keys ---

// As the serial number of an old key, 0 means no passphrase.
absl::StatusOr<Passphrase> Key(const Dimm& dimm, uint32_t serial, bool zero_is_none) {
  if (serial == 0 && zero_is_none) return Passphrase{};
  if (serial == 0) return Refused(dimm, ENOKEY, "security.new_key", "a new passphrase needs a key");
  if (dimm.firmware()->keys() == nullptr)
    return Refused(dimm, ENOKEY, "security.keyring",
                   "there is no keyring in which to look up the key");
  return dimm.firmware()->keys()->Read(serial);
}
absl::StatusOr<Passphrase> OldKey(const Dimm& dimm, uint32_t serial) {
  return Key(dimm, serial, true);
}

// --- What can be written ---

using Change = intel::Status (Security::*)(const Passphrase&, const Passphrase&);

absl::Status Update(Dimm& dimm, uint32_t old_serial, uint32_t new_serial, Change change,
                    Whose whose) {
  RETURN_IF_ERROR(CheckState(dimm));
  ASSIGN_OR_RETURN(const Passphrase old, OldKey(dimm, old_serial));
  ASSIGN_OR_RETURN(const Passphrase fresh, Key(dimm, new_serial, false));
  ASSIGN_OR_RETURN(const intel::Status status,
                   dimm.firmware()->ChangeSecurity(
                       [&](Security& security) { return (security.*change)(old, fresh); }));
  return Verdict(dimm, status, EIO, whose);
}

absl::Status UpdateUser(Dimm& dimm, uint32_t old_serial, uint32_t new_serial) {
  return Update(dimm, old_serial, new_serial, &Security::SetPassphrase, Whose::kUser);
}
absl::Status UpdateMaster(Dimm& dimm, uint32_t old_serial, uint32_t new_serial) {
  return Update(dimm, old_serial, new_serial, &Security::SetMasterPassphrase, Whose::kMaster);
}

absl::Status Disable(Dimm& dimm, uint32_t serial, uint32_t) {
  RETURN_IF_ERROR(CheckState(dimm));
  ASSIGN_OR_RETURN(const Passphrase key, OldKey(dimm, serial));
  ASSIGN_OR_RETURN(const intel::Status status,
                   dimm.firmware()->ChangeSecurity(
                       [&](Security& security) { return security.DisablePassphrase(key); }));
  return Verdict(dimm, status, ENXIO);
}

absl::Status Freeze(Dimm& dimm, uint32_t, uint32_t) {
  if (dimm.firmware()->security().overwriting()) return CheckState(dimm);
  ASSIGN_OR_RETURN(
      const intel::Status status,
      dimm.firmware()->ChangeSecurity([](Security& security) { return security.Freeze(); }));
  return Verdict(dimm, status, EIO);
}

// The data goes before the passphrase: after a cut in between, the passphrase is still set and the
// erase can be repeated.
absl::Status Erase(Dimm& dimm, uint32_t serial, intel::Status (Security::*check)(const Passphrase&),
                   Whose whose) {
  RETURN_IF_ERROR(CheckIdle(dimm, "erase"));
  RETURN_IF_ERROR(CheckState(dimm));
  ASSIGN_OR_RETURN(const Passphrase key, OldKey(dimm, serial));
  ASSIGN_OR_RETURN(
      const intel::Status checked,
      dimm.firmware()->ChangeSecurity([&](Security& security) { return (security.*check)(key); }));
  RETURN_IF_ERROR(Verdict(dimm, checked, ENXIO, whose));
  RETURN_IF_ERROR(dimm.EraseData());
  return dimm.firmware()
      ->ChangeSecurity([](Security& security) {
        security.Erased();
        return intel::kSuccess;
      })
      .status();
}

absl::Status EraseWithUser(Dimm& dimm, uint32_t serial, uint32_t) {
  return Erase(dimm, serial, &Security::CheckErase, Whose::kUser);
}
absl::Status EraseWithMaster(Dimm& dimm, uint32_t serial, uint32_t) {
  return Erase(dimm, serial, &Security::CheckMasterErase, Whose::kMaster);
}

absl::Status Overwrite(Dimm& dimm, uint32_t serial, uint32_t) {
  RETURN_IF_ERROR(CheckIdle(dimm, "overwrite"));
  if (dimm.driver() == nullptr)
    return Refused(dimm, EINVAL, "security.disabled",
                   "overwrite: the DIMM is disabled; enable it first");
  RETURN_IF_ERROR(CheckState(dimm));
  ASSIGN_OR_RETURN(const Passphrase key, OldKey(dimm, serial));
  ASSIGN_OR_RETURN(const intel::Status begun,
                   dimm.firmware()->ChangeSecurity([&](Security& security) {
                     const intel::Status status = security.CheckOverwrite(key);
                     if (status == intel::kSuccess) security.BeginOverwrite();
                     return status;
                   }));
  RETURN_IF_ERROR(Verdict(dimm, begun, ENXIO));
  dimm.StartOverwrite();
  return absl::OkStatus();
}

struct Operation {
  absl::string_view word;
  intel::Function function;
  int keys;
  absl::Status (*run)(Dimm&, uint32_t, uint32_t);
};

constexpr Operation kOperations[] = {
    {"freeze", intel::kFreeze, 0, Freeze},
    {"disable", intel::kDisablePassphrase, 1, Disable},
    {"update", intel::kSetPassphrase, 2, UpdateUser},
    {"erase", intel::kSecureErase, 1, EraseWithUser},
    {"overwrite", intel::kOverwrite, 1, Overwrite},
    {"master_update", intel::kSetMasterPassphrase, 2, UpdateMaster},
    {"master_erase", intel::kMasterErase, 1, EraseWithMaster},
};

constexpr size_t kLongestKey = 10;  // characters

const Operation* FindOperation(absl::string_view word) {
  for (const Operation& operation : kOperations)
    if (operation.word == word) return &operation;
  return nullptr;
}

// A 32-bit number, as the kernel parses it.
std::optional<uint32_t> ParseKey(absl::string_view text) {
  if (text.size() > kLongestKey) return std::nullopt;
  const auto number = ParseUnsigned(text);
  if (!number.ok() || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace

absl::StatusOr<std::string> ShowSecurity(Device& device) {
  const Security& security = AsDimm(device).firmware()->security();
  if (security.overwriting()) return std::string("overwrite\n");
  if (!security.enabled()) return std::string("disabled\n");
  return std::string(security.locked() ? "locked\n" : "unlocked\n");
}

absl::StatusOr<std::string> ShowFrozen(Device& device) {
  return std::string(AsDimm(device).firmware()->security().frozen() ? "1\n" : "0\n");
}

absl::Status StoreSecurity(Device& device, absl::string_view text) {
  Dimm& dimm = AsDimm(device);
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t\n\v\f\r"), absl::SkipEmpty());
  const Operation* operation = words.empty() ? nullptr : FindOperation(words[0]);
  if (operation == nullptr)
    return Refused(dimm, EINVAL, "security.word",
                   "write freeze, disable KEY, update OLD NEW, erase KEY, overwrite KEY, "
                   "master_update OLD NEW or master_erase KEY");
  uint32_t keys[2] = {};
  for (int i = 0; i < operation->keys; ++i) {
    const size_t at = static_cast<size_t>(i) + 1;
    const auto key = at < words.size() ? ParseKey(words[at]) : std::nullopt;
    if (!key)
      return Refused(dimm, EINVAL, "security.key_number",
                     absl::StrCat(operation->word, " takes ", operation->keys,
                                  " serial numbers of keys; 0 means no passphrase"));
    keys[i] = *key;
  }
  if (dimm.source().read_only)
    return Refused(dimm, EROFS, "security.read_only", "the DIMM was opened read-only");
  RETURN_IF_ERROR(operation->run(dimm, keys[0], keys[1]));
  dimm.engine().NotifyChanged(dimm, "security");
  return dimm.TestVerdict(operation->function);
}

uint16_t SecurityMode(const Device& device) {
  return HasSecurity(static_cast<const Dimm&>(device)) ? 0644 : 0;
}
uint16_t FrozenMode(const Device& device) {
  return HasSecurity(static_cast<const Dimm&>(device)) ? 0444 : 0;
}

absl::Status UnlockDimm(Dimm& dimm) {
  if (!HasSecurity(dimm) || !dimm.firmware()->security().locked()) return absl::OkStatus();
  if (dimm.firmware()->security().overwriting()) return CheckState(dimm);
  const std::string description = absl::StrCat("nvdimm:", dimm.unique_id());
  if (dimm.firmware()->keys() == nullptr)
    return Refused(dimm, ENOKEY, "security.keyring",
                   "it is locked, and there is no keyring in which to look up its key");
  const auto key = dimm.firmware()->keys()->Find(description);
  if (!key.ok()) return Annotate(key.status(), absl::StrCat("unlock ", dimm.name()));
  ASSIGN_OR_RETURN(
      const intel::Status status,
      dimm.firmware()->ChangeSecurity([&](Security& security) { return security.Unlock(*key); }));
  RETURN_IF_ERROR(Verdict(dimm, status, EIO));
  dimm.engine().NotifyChanged(dimm, "security");
  return dimm.TestVerdict(intel::kUnlock);
}

}  // namespace nvdimmfs::core
