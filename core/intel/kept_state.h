// SPDX-License-Identifier: Apache-2.0
// What a DIMM's firmware keeps across a power cycle, and how it is stored: a record of 256 bytes.
//
// Version 1. Little-endian. A damaged record is not used: the checksum covers all of it, and a
// store replaces a record atomically (StateStore). Reserved bytes are written as 0 and ignored when
// read.
#ifndef NVDIMMFS_CORE_INTEL_KEPT_STATE_H_
#define NVDIMMFS_CORE_INTEL_KEPT_STATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/intel/format.h"
#include "core/intel/security.h"

namespace nvdimmfs::core::intel {

struct KeptState {
  Thresholds thresholds = {};
  uint32_t shutdown_count = 0;
  bool latched = false;  // if this power cycle ends uncleanly, count an unsafe shutdown
  uint64_t running_version = 0;
  uint64_t staged_version = 0;  // 0: none
  Security::Kept security;
};

// The record as stored.
struct StateRecord {
  std::array<char, 8> signature;       //   0  "NVDIMMST"
  le32 version;                        //   8  1
  le32 size;                           //  12  256
  Thresholds thresholds;               //  16
  uint8_t flags;                       //  23  StateFlag
  le32 shutdown_count;                 //  24
  std::array<uint8_t, 4> reserved0;    //  28
  le64 running_version;                //  32
  le64 staged_version;                 //  40
  Passphrase user;                     //  48
  Passphrase master;                   //  80
  std::array<uint8_t, 136> reserved1;  // 112
  le64 checksum;                       // 248  Fletcher-64 of the record, this field taken as 0
};
static_assert(sizeof(StateRecord) == 256 && offsetof(StateRecord, running_version) == 32 &&
              offsetof(StateRecord, user) == 48 && offsetof(StateRecord, checksum) == 248);

enum StateFlag : uint8_t {
  kStateLatched = 1,
  kStateSecurityEnabled = 2,
  kStateOverwriting = 4,
};

std::string Encode(const KeptState& state);

// Refused with EINVAL and "dimm_state.size", ".signature", ".version", ".checksum" or ".flags".
absl::StatusOr<KeptState> DecodeKeptState(absl::string_view record);

// The storage of one DIMM's record. Thread rules: under the configuration lock.
class StateStore {
 public:
  virtual ~StateStore() = default;
  // The record; "" if none was ever saved.
  virtual absl::StatusOr<std::string> Load() = 0;
  // Replaces it, durably and atomically. Refused with EROFS, "dimm_state.read_only", if it is
  // read-only.
  virtual absl::Status Save(absl::string_view record) = 0;
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_KEPT_STATE_H_
