// SPDX-License-Identifier: Apache-2.0
// The extended attribute that an image file carries while programs may extend it without the
// daemon.
//
// Kernel passthrough does not limit writes: a write past the end of the namespace extends the file.
// The surplus is cut off at the last close. If the daemon is killed before that, nothing is cut
// off. So until then this attribute holds the file's true size, in decimal. fs writes it; backends
// read and remove it.
#ifndef NVDIMMFS_CORE_MEDIA_TRUE_SIZE_H_
#define NVDIMMFS_CORE_MEDIA_TRUE_SIZE_H_

namespace nvdimmfs::core {

inline constexpr char kTrueSizeAttribute[] = "user.nvdimmfs.size";

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_TRUE_SIZE_H_
