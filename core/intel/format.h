// SPDX-License-Identifier: Apache-2.0
// The functions of the Intel command family and the layout of their buffers: CALLs of family 0 on a
// DIMM.
//
// Source: "Intel Optane Persistent Memory Device Specific Methods (_DSM) Interface", revision 2.0,
// section 3; names and sizes as known to users of libndctl. Little-endian, packed. The input and
// the output of a CALL are separate structures here; every output begins with a status.
#ifndef NVDIMMFS_CORE_INTEL_FORMAT_H_
#define NVDIMMFS_CORE_INTEL_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/base/endian.h"

namespace nvdimmfs::core::intel {

enum Function : uint32_t {
  kSmart = 1,
  kSmartThreshold = 2,
  kGetLabelSize = 4,
  kGetLabels = 5,
  kSetLabels = 6,
  kEnableLatch = 10,
  kFirmwareInfo = 12,
  kFirmwareStart = 13,
  kFirmwareSend = 14,
  kFirmwareFinish = 15,
  kFirmwareQuery = 16,
  kSetThreshold = 17,
  kInjectSmart = 18,
  kSecurityState = 19,
  kSetPassphrase = 20,
  kDisablePassphrase = 21,
  kUnlock = 22,
  kFreeze = 23,
  kSecureErase = 24,
  kOverwrite = 25,
  kQueryOverwrite = 26,
  kSetMasterPassphrase = 27,
  kMasterErase = 28,
  kActivateInfo = 29,
  kActivateArm = 30,
};

constexpr uint64_t BitOf(Function function) { return uint64_t{1} << function; }
constexpr uint64_t BitsOf(Function first, Function last) {
  return (BitOf(last) << 1) - BitOf(first);
}

inline constexpr uint64_t kLabelBits = BitsOf(kGetLabelSize, kSetLabels);
inline constexpr uint64_t kUpdateBits = BitsOf(kFirmwareInfo, kFirmwareQuery);
inline constexpr uint64_t kSecurityBits = BitsOf(kSecurityState, kMasterErase);
inline constexpr uint64_t kActivateBits = BitsOf(kActivateInfo, kActivateArm);
// Functions that have an ioctl of the same number.
inline constexpr uint64_t kIoctlBits = BitOf(kSmart) | BitOf(kSmartThreshold) | kLabelBits;
// Functions that a kernel reserves for itself: users reach them through sysfs.
inline constexpr uint64_t kKernelOnlyBits = kSecurityBits | kActivateBits;
// All functions that an emulated DIMM supports.
inline constexpr uint64_t kAllBits = kIoctlBits | BitOf(kEnableLatch) | kUpdateBits |
                                     BitOf(kSetThreshold) | BitOf(kInjectSmart) | kKernelOnlyBits;

// Status words: the low half, and for kExtended the high half, too.
enum Status : uint32_t {
  kSuccess = 0,
  kNotSupported = 1,
  kInvalidParameter = 3,
  kRetry = 5,
  kExtended = 7,
  kWrongSecurityState = 10,
  kWrongPassphrase = 11,

  kUpdateBusy = 1 << 16 | kExtended,           // start
  kWrongContext = 1 << 16 | kExtended,         // send, finish, query
  kUpdateDone = 2 << 16 | kExtended,           // finish
  kVerifying = 2 << 16 | kExtended,            // query
  kBadImage = 3 << 16 | kExtended,             // finish, query
  kUpdateAborted = 4 << 16 | kExtended,        // finish
  kWrongSequence = 4 << 16 | kExtended,        // query
  kOverwriteInProgress = 1 << 16 | kExtended,  // query overwrite
  kNoOverwrite = 2 << 16 | kExtended,          // query overwrite
};

// --- Health ---

enum SmartFlag : uint32_t {  // which fields of SmartOutput are valid
  kHealthValid = 1 << 0,
  kSparesValid = 1 << 1,
  kLifeUsedValid = 1 << 2,
  kMediaTemperatureValid = 1 << 3,
  kControllerTemperatureValid = 1 << 4,
  kShutdownCountValid = 1 << 5,
  kAlarmValid = 1 << 9,
  kShutdownStateValid = 1 << 10,
};
enum HealthBit : uint8_t { kNonCritical = 1, kCritical = 2, kFatal = 4 };
enum Alarm : uint8_t { kSparesAlarm = 1, kMediaAlarm = 2, kControllerAlarm = 4 };

struct SmartOutput {
  le32 status;                       //   0
  le32 flags;                        //   4  SmartFlag
  std::array<uint8_t, 4> reserved0;  //   8
  uint8_t health;                    //  12  HealthBit; 0: normal
  uint8_t spares;                    //  13  percent left
  uint8_t life_used;                 //  14  percent
  uint8_t alarms;                    //  15  Alarm: which thresholds have tripped
  le16 media_temperature;            //  16  1/16 degree C; bit 15: below zero
  le16 controller_temperature;       //  18  likewise
  le32 shutdown_count;               //  20  unsafe shutdowns
  uint8_t ait_status;                //  24  1: address translation table in DRAM is enabled
  le16 pmic_temperature;             //  25
  std::array<uint8_t, 8> reserved1;  //  27
  uint8_t shutdown_state;            //  35  1: the last shutdown was unsafe
  le32 vendor_size;                  //  36  bytes of `vendor` that are used
  std::array<uint8_t, 92> vendor;    //  40
};
static_assert(sizeof(SmartOutput) == 132 && offsetof(SmartOutput, shutdown_count) == 20 &&
              offsetof(SmartOutput, shutdown_state) == 35 && offsetof(SmartOutput, vendor) == 40);

// When to raise alarms; also the whole input of kSetThreshold.
struct Thresholds {
  le16 enabled;                 // 0  Alarm: which thresholds are enabled
  uint8_t spares;               // 2  alarm at this percentage or below
  le16 media_temperature;       // 3  alarm at this temperature or above
  le16 controller_temperature;  // 5  likewise
};
static_assert(sizeof(Thresholds) == 7);

struct ThresholdOutput {
  le32 status;            //  0
  Thresholds thresholds;  //  4
  uint8_t reserved;       // 11
};
static_assert(sizeof(ThresholdOutput) == 12);

enum InjectFlag : uint64_t {
  kInjectMediaTemperature = 1 << 0,
  kInjectSpares = 1 << 1,
  kInjectFatal = 1 << 2,
  kInjectUnsafeShutdown = 1 << 3,
};

struct InjectInput {
  le64 flags;                        //  0  InjectFlag: which of the fields below are valid
  uint8_t media_temperature_enable;  //  8  0: restore the original value
  le16 media_temperature;            //  9
  uint8_t spares_enable;             // 11
  uint8_t spares;                    // 12
  uint8_t fatal_enable;              // 13
  uint8_t unsafe_shutdown_enable;    // 14
};
static_assert(sizeof(InjectInput) == 15);

struct LatchInput {
  uint8_t enable;  // 0  1: count the next unclean shutdown; 0: do not
};
static_assert(sizeof(LatchInput) == 1);

// --- Firmware update ---

struct FirmwareInfoOutput {
  le32 status;                      //  0
  le32 storage_size;                //  4  maximum size of an image, bytes
  le32 max_send_size;               //  8  maximum bytes of one kFirmwareSend
  le32 query_interval;              // 12  microseconds between queries
  le32 max_query_time;              // 16  microseconds after which to give up
  uint8_t capability;               // 20
  std::array<uint8_t, 3> reserved;  // 21
  le32 fis_version;                 // 24
  le64 running_version;             // 28
  le64 staged_version;              // 36  0: none
};
static_assert(sizeof(FirmwareInfoOutput) == 44);

struct FirmwareStartOutput {
  le32 status;   // 0
  le32 context;  // 4
};

struct FirmwareSendInput {
  le32 context;  // 0
  le32 offset;   // 4  in the image
  le32 length;   // 8  bytes that follow
};
static_assert(sizeof(FirmwareSendInput) == 12);

struct FirmwareFinishInput {
  uint8_t flags;                    // 0  0: finish, 1: abort
  std::array<uint8_t, 3> reserved;  // 1
  le32 context;                     // 4
};
static_assert(sizeof(FirmwareFinishInput) == 8);

struct FirmwareQueryInput {
  le32 context;
};

struct FirmwareQueryOutput {
  le32 status;          // 0
  le64 staged_version;  // 4
};
static_assert(sizeof(FirmwareQueryOutput) == 12);

// --- Security ---

enum SecurityBit : uint8_t {
  kSecurityEnabled = 0x02,
  kSecurityLocked = 0x04,
  kSecurityFrozen = 0x08,
};

inline constexpr size_t kPassphraseSize = 32;

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_FORMAT_H_
