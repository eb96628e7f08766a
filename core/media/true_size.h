// SPDX-License-Identifier: Apache-2.0
// What an image file says of itself while programs may make it longer past the daemon.
//
// Kernel passthrough of writes stops at no end: what a program writes behind the namespace makes
// the file longer. The surplus is cut off at the last close. A daemon that is killed before cuts
// nothing; so the file carries its true size, in decimal, as this extended attribute meanwhile. fs
// writes it, backends read and remove it.
#ifndef NVDIMMFS_CORE_MEDIA_TRUE_SIZE_H_
#define NVDIMMFS_CORE_MEDIA_TRUE_SIZE_H_

namespace nvdimmfs::core {

inline constexpr char kTrueSizeAttribute[] = "user.nvdimmfs.size";

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_TRUE_SIZE_H_
