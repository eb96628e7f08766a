// SPDX-License-Identifier: Apache-2.0
// Payloads of bus commands, for the code and its tests: the ioctls of /dev/ndctlN (kernel's uapi
// <linux/ndctl.h>) and the functions of CALL's family NVDIMM_BUS (ACPI specification, "NVDIMM root
// device _DSMs").
//
// Fields are packed and little-endian. The caller fills the fields marked "in"; the others are
// output.
#ifndef NVDIMMFS_CORE_COMMANDS_BUS_COMMAND_FORMAT_H_
#define NVDIMMFS_CORE_COMMANDS_BUS_COMMAND_FORMAT_H_

#include <cstdint>

#include "core/base/endian.h"

namespace nvdimmfs::core {

// --- ioctls, by number. ---

inline constexpr uint32_t kArsCap = 1, kArsStart = 2, kArsStatus = 3, kClearError = 4;

struct ArsCapPayload {
  le64 address;         // in
  le64 length;          // in
  le32 status;          // bits 16 and 17: volatile, persistent memory can be scrubbed
  le32 max_ars_out;     // bytes that ARS_STATUS can need
  le32 clear_err_unit;  // bytes: a power of two
  le16 flags;
  le16 reserved;
};
static_assert(sizeof(ArsCapPayload) == 32);

struct ArsStartPayload {
  le64 address;   // in
  le64 length;    // in
  le16 type;      // in: 1 volatile, 2 persistent
  uint8_t flags;  // in: bit 1: report only what is already known
  uint8_t reserved[5];
  le32 status;
  le32 scrub_time;  // seconds
};
static_assert(sizeof(ArsStartPayload) == 32);

struct ArsStatusPayload {
  le32 status;
  le32 out_length;  // in: size of the buffer; out: bytes filled
  le64 address;
  le64 length;
  le64 restart_address;  // where it stopped because the buffer was full
  le64 restart_length;
  le16 type;
  le16 flags;  // bit 0: not all records fit
  le32 num_records;
};
static_assert(sizeof(ArsStatusPayload) == 48);

struct ArsRecord {
  le32 handle;  // of the DIMM
  le32 reserved;
  le64 address;
  le64 length;
};
static_assert(sizeof(ArsRecord) == 24);

inline constexpr uint32_t kMostArsRecords = 170;
inline constexpr uint32_t kMaxArsOut =
    sizeof(ArsStatusPayload) + kMostArsRecords * sizeof(ArsRecord);

struct ClearErrorPayload {
  le64 address;  // in
  le64 length;   // in
  le32 status;
  le32 reserved;
  le64 cleared;  // bytes
};
static_assert(sizeof(ClearErrorPayload) == 32);

inline constexpr uint32_t kClearErrorUnit = 256;  // bytes

// Status words: the low half is the status, the high half its extension.
inline constexpr uint32_t kArsBothKinds = 3u << 16;  // of ARS_CAP
inline constexpr uint32_t kArsStartBusy = 6;         // of ARS_START
inline constexpr uint32_t kArsRunning = 1u << 16;    // of ARS_STATUS
inline constexpr uint32_t kArsNeverRun = 2u << 16;
inline constexpr uint32_t kArsStoppedEarly = 3u << 16;
inline constexpr uint16_t kArsOverflow = 1;  // of ArsStatusPayload::flags

// --- Functions of CALL, family 0. ---

inline constexpr uint64_t kTranslateSpa = 5;
inline constexpr uint64_t kInjectErrors = 7, kWithdrawErrors = 8, kListErrors = 9;
inline constexpr uint64_t kNfitBusFunctions =
    1u << kTranslateSpa | 1u << kInjectErrors | 1u << kWithdrawErrors | 1u << kListErrors;
// Functions with the number of an ioctl have the payload of that ioctl: first the "in" fields, then
// the output fields.
inline constexpr uint64_t kArsFunctions =
    1u << kArsCap | 1u << kArsStart | 1u << kArsStatus | 1u << kClearError;
inline constexpr uint64_t kAllBusFunctions = kArsFunctions | kNfitBusFunctions;

// The status of a bus function whose input is invalid. (A DIMM's is 3.)
inline constexpr uint32_t kBusStatusInvalid = 2;

struct TranslateSpaIn {
  le64 spa;
};

struct TranslateSpaOut {
  le32 status;
  uint8_t flags;
  uint8_t reserved[3];
  le64 translate_length;  // contiguous bytes from `spa` on
  le32 num_nvdimms;
};
static_assert(sizeof(TranslateSpaOut) == 20);

struct TranslatedDimm {
  le32 handle;
  le32 reserved;
  le64 dpa;
};
static_assert(sizeof(TranslatedDimm) == 16);

struct InjectErrorsIn {
  le64 base;
  le64 length;
  uint8_t options;  // bit 0: notify the OS
};
static_assert(sizeof(InjectErrorsIn) == 17);

struct WithdrawErrorsIn {
  le64 base;
  le64 length;
};

struct StatusOut {
  le32 status;
};

struct ListErrorsOut {
  le32 status;
  le32 count;
};

struct ListedError {
  le64 base;
  le64 length;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_COMMANDS_BUS_COMMAND_FORMAT_H_
