// Device numbers as a kernel would show them. The majors are dynamic there; the defaults are those
// that Debian's 6.1 gives in a guest.
#ifndef NVDIMMFS_CORE_DEVICES_DEVICE_NUMBERS_H_
#define NVDIMMFS_CORE_DEVICES_DEVICE_NUMBERS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace nvdimmfs::core {

inline constexpr uint32_t kMajorLimit = 1 << 12, kMinorLimit = 1 << 20;

struct DeviceNumber {
  uint32_t major = 0, minor = 0;

  bool operator==(const DeviceNumber&) const = default;
  // As `dev` has it: "259:0".
  std::string ToString() const { return absl::StrCat(major, ":", minor); }
  // As `uevent` has it.
  std::string Variables() const { return absl::StrCat("MAJOR=", major, "\nMINOR=", minor, "\n"); }
};

// Whoever makes real nodes, or shows the tree beside a machine's own devices, chooses others
// (bus/nd/x/numbers).
struct DeviceNumbers {
  uint32_t dimm = 245;      // major of /dev/nmemN; the minor is N
  uint32_t control = 246;   // major of /dev/ndctlN, likewise
  uint32_t dax = 252;       // major of /dev/daxN.M
  uint32_t disk = 259;      // major of /dev/pmemN; disk number K has the minor
  uint32_t first_disk = 0;  // first_disk + K * disk_step
  uint32_t disk_step = 1;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_DEVICE_NUMBERS_H_
