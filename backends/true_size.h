// SPDX-License-Identifier: Apache-2.0
// Where an image ended before a program wrote behind its end, past a daemon that was then killed:
// core/media/true_size.h.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_TRUE_SIZE_H_
#define NVDIMMFS_BACKENDS_TRUE_SIZE_H_

#include <cstdint>
#include <string>

namespace nvdimmfs::backends {

// Bytes of the file of `fd`, which has `size`, that are the image. Fewer where the file says so:
// the surplus stays where it is, and the log names the command that cuts it off.
uint64_t TrueSizeOf(int fd, const std::string& path, uint64_t size);

// The file is as long as it should be.
void ForgetTrueSize(int fd);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_TRUE_SIZE_H_
