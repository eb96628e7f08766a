// SPDX-License-Identifier: Apache-2.0
// Payloads and return codes of the CXL type 3 memory device commands used here. Source: Compute
// Express Link specification 2.0, section 8.2.9 ("CXL device command interface"). All integers are
// little-endian, structures are packed.
#ifndef NVDIMMFS_BACKENDS_CXL_PAYLOADS_H_
#define NVDIMMFS_BACKENDS_CXL_PAYLOADS_H_

#include <array>
#include <cerrno>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/base/endian.h"

namespace nvdimmfs::backends::cxl {

using core::le16;
using core::le32;
using core::le64;

inline constexpr uint64_t kCapacityUnit = uint64_t{256} << 20;  // bytes
inline constexpr uint64_t kPoisonLength = 64;                   // bytes, unit of poison records

// Identify Memory Device (opcode 4000h), output. Capacities in units of 256 MiB.
struct Identify {
  std::array<char, 16> firmware;           //  0
  le64 total;                              // 16
  le64 volatile_only;                      // 24
  le64 persistent_only;                    // 32
  le64 partition_align;                    // 40: 0: the partitions are fixed
  std::array<le16, 4> event_log_sizes;     // 48
  le32 lsa_size;                           // 56: bytes
  std::array<uint8_t, 3> poison_list_max;  // 60: records
  le16 inject_limit;                       // 63
  uint8_t poison_caps;                     // 65
  uint8_t qos;                             // 66
};
static_assert(sizeof(Identify) == 67);

// Get Partition Info (4100h), output, in units of 256 MiB.
struct PartitionInfo {
  le64 active_volatile;    //  0
  le64 active_persistent;  //  8
  le64 next_volatile;      // 16
  le64 next_persistent;    // 24
};
static_assert(sizeof(PartitionInfo) == 32);

// Get LSA (4102h), input.
struct GetLsa {
  le32 offset;  // 0
  le32 length;  // 4
};
static_assert(sizeof(GetLsa) == 8);

// Set LSA (4103h), input; the data follows.
struct SetLsa {
  le32 offset;    // 0
  le32 reserved;  // 4
};
static_assert(sizeof(SetLsa) == 8);

// Get Health Info (4200h), output.
struct HealthInfo {
  uint8_t status;             //  0: bit 0 maintenance, 1 performance, 2 replacement needed
  uint8_t media;              //  1: kMediaStates
  uint8_t additional;         //  2: bits 1:0 life, 3:2 temperature, 4 and 5 corrected errors
  uint8_t life_used;          //  3: percent; ffh: unknown
  le16 temperature;           //  4: degrees Celsius, signed; ffffh: unknown
  le32 dirty_shutdowns;       //  6
  le32 corrected_volatile;    // 10
  le32 corrected_persistent;  // 14
};
static_assert(sizeof(HealthInfo) == 18);

inline constexpr absl::string_view kMediaStates[] = {"normal",
                                                     "not ready",
                                                     "persistence lost",
                                                     "data lost",
                                                     "persistence lost by power loss",
                                                     "persistence lost by shutdown",
                                                     "persistence loss imminent",
                                                     "data lost by power loss",
                                                     "data lost by shutdown",
                                                     "data loss imminent"};

// The kernel's number of Get Poison List. Kernels 6.0 to 6.3 pass the command on; later ones list
// poison in sysfs, and their headers rename the number.
inline constexpr uint32_t kGetPoisonId = 15;

// Get Poison List (4300h), input: both multiples of 64.
struct GetPoison {
  le64 start;   // 0: DPA
  le64 length;  // 8: in units of 64 bytes
};
static_assert(sizeof(GetPoison) == 16);

// Its output, before the records.
struct PoisonList {
  uint8_t flags;                      //  0: bit 0: there are more records
  uint8_t reserved;                   //  1
  le64 overflow_time;                 //  2
  le16 count;                         // 10
  std::array<uint8_t, 20> reserved2;  // 12
};
static_assert(sizeof(PoisonList) == 32);
inline constexpr uint8_t kMorePoison = 1;

struct PoisonRecord {
  le64 address;   //  0: DPA in bits 63:6, source in bits 2:0
  le32 length;    //  8: in units of 64 bytes
  le32 reserved;  // 12
};
static_assert(sizeof(PoisonRecord) == 16);

// Command return codes and the errnos that they map to.
struct ReturnCode {
  uint32_t code;
  int error_number;
  absl::string_view meaning;
};
inline constexpr ReturnCode kReturnCodes[] = {
    {1, EINPROGRESS, "goes on in the background"},
    {2, EINVAL, "invalid input"},
    {3, ENOTTY, "not supported"},
    {4, EIO, "internal error of the device"},
    {5, EAGAIN, "to be tried again"},
    {6, EBUSY, "the device is busy"},
    {7, EIO, "the media is disabled"},
    {13, EIO, "the device needs a cold reset"},
    {15, EFAULT, "no such device address"},
    {17, EIO, "permanent failure of the media"},
    {18, EINTR, "aborted"},
    {19, EACCES, "not in this security state"},
    {20, EACCES, "wrong passphrase"},
    {21, ENOTTY, "not on this mailbox"},
    {22, EINVAL, "wrong payload length"},
};

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_PAYLOADS_H_
