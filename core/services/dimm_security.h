// SPDX-License-Identifier: Apache-2.0
// nmemN/security and nmemN/frozen: a DIMM's passphrase and its erasure, as in the kernel's sysfs.
//
// Grammar of a write to `security`, as in Linux 6.1; a KEY is the serial number of an `encrypted`
// key of 32 bytes, or 0 for no passphrase:
//
//   freeze | disable KEY | update OLD NEW | erase KEY | overwrite KEY
//   | master_update OLD NEW | master_erase KEY
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_SERVICES_DIMM_SECURITY_H_
#define NVDIMMFS_CORE_SERVICES_DIMM_SECURITY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/attribute.h"

namespace nvdimmfs::core {

class Device;
class Dimm;

absl::StatusOr<std::string> ShowSecurity(Device& device);
absl::Status StoreSecurity(Device& device, absl::string_view text);
absl::StatusOr<std::string> ShowFrozen(Device& device);
uint16_t SecurityMode(const Device& device);
uint16_t FrozenMode(const Device& device);

inline constexpr Attribute kSecurityAttribute = {
    .name = "security",
    .mode = 0644,
    .show = ShowSecurity,
    .store = StoreSecurity,
    .visible = SecurityMode,
    .summary =
        "disabled, unlocked, locked or overwrite (one is under way); KEY is the serial number of a "
        "key in the keyring, 0: no passphrase",
    .grammar =
        "freeze | disable KEY | update OLD NEW | erase KEY | overwrite KEY | master_update OLD NEW "
        "| master_erase KEY",
    .refusals = "security.* dimm_state.* dimm.test.fails media.*"};
inline constexpr Attribute kFrozenAttribute = {
    .name = "frozen",
    .show = ShowFrozen,
    .visible = FrozenMode,
    .summary = "1: the security state is frozen until the next power cycle"};

// The first step of enabling a DIMM: unlocks a locked DIMM with the key "nvdimm:ID". Fails as the
// key ring does, or with EINVAL or EIO, "security.passphrase", "security.frozen" or
// "security.tries".
absl::Status UnlockDimm(Dimm& dimm);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_DIMM_SECURITY_H_
