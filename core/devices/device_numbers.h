// Device numbers as a kernel would show them. The majors are dynamic there; these are the ones that
// Debian's 6.1 gives in a guest.
#ifndef NVDIMMFS_CORE_DEVICES_DEVICE_NUMBERS_H_
#define NVDIMMFS_CORE_DEVICES_DEVICE_NUMBERS_H_

namespace nvdimmfs::core {

inline constexpr int kDaxMajor = 252;
inline constexpr int kBlockMajor = 259;

// Of /dev/nmemN and /dev/ndctlN; their minors are N. Others where somebody made real nodes for them
// (bus/nd/x/majors).
struct NodeMajors {
  int dimm = 245;
  int control = 246;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_DEVICE_NUMBERS_H_
