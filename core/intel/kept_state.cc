// SPDX-License-Identifier: Apache-2.0
#include "core/intel/kept_state.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/fletcher64.h"
#include "core/base/status.h"

namespace nvdimmfs::core::intel {
namespace {

constexpr std::array<char, 8> kSignature = {'N', 'V', 'D', 'I', 'M', 'M', 'S', 'T'};
constexpr uint32_t kVersion = 1;
constexpr uint8_t kKnownFlags = kStateLatched | kStateSecurityEnabled | kStateOverwriting;

uint64_t ChecksumOf(absl::string_view record) {
  return Fletcher64(
      absl::MakeConstSpan(reinterpret_cast<const std::byte*>(record.data()), record.size()),
      offsetof(StateRecord, checksum));
}

absl::Status Bad(absl::string_view reason, absl::string_view why) {
  return Refusal(EINVAL, reason, absl::StrCat("the DIMM's stored state: ", why));
}

}  // namespace

std::string Encode(const KeptState& state) {
  StateRecord record = {};
  record.signature = kSignature;
  record.version = kVersion;
  record.size = sizeof record;
  record.thresholds = state.thresholds;
  record.flags = static_cast<uint8_t>((state.latched ? kStateLatched : 0) |
                                      (state.security.enabled ? kStateSecurityEnabled : 0) |
                                      (state.security.overwriting ? kStateOverwriting : 0));
  record.shutdown_count = state.shutdown_count;
  record.running_version = state.running_version;
  record.staged_version = state.staged_version;
  record.user = state.security.user;
  record.master = state.security.master;
  std::string bytes(sizeof record, '\0');
  std::memcpy(bytes.data(), &record, sizeof record);
  StoreLe(bytes.data() + offsetof(StateRecord, checksum), ChecksumOf(bytes));
  return bytes;
}

absl::StatusOr<KeptState> DecodeKeptState(absl::string_view bytes) {
  StateRecord record;
  if (bytes.size() != sizeof record)
    return Bad("dimm_state.size",
               absl::StrCat(bytes.size(), " bytes; a record has ", sizeof record));
  std::memcpy(&record, bytes.data(), sizeof record);
  if (record.signature != kSignature)
    return Bad("dimm_state.signature", "it does not begin with NVDIMMST");
  if (record.version != kVersion)
    return Bad("dimm_state.version", absl::StrCat("version ", static_cast<uint32_t>(record.version),
                                                  "; this program knows ", kVersion));
  if (record.size != sizeof record) return Bad("dimm_state.size", "its size field is not 256");
  if (record.checksum != ChecksumOf(bytes))
    return Bad("dimm_state.checksum", "its checksum does not match");
  if ((record.flags & ~kKnownFlags) != 0) return Bad("dimm_state.flags", "unknown flags");
  KeptState state;
  state.thresholds = record.thresholds;
  state.latched = (record.flags & kStateLatched) != 0;
  state.shutdown_count = record.shutdown_count;
  state.running_version = record.running_version;
  state.staged_version = record.staged_version;
  state.security = {.enabled = (record.flags & kStateSecurityEnabled) != 0,
                    .user = record.user,
                    .master = record.master,
                    .overwriting = (record.flags & kStateOverwriting) != 0};
  return state;
}

}  // namespace nvdimmfs::core::intel
