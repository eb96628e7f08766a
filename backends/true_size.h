// SPDX-License-Identifier: Apache-2.0
// The true size of an image to which a program wrote past the end, without the daemon, which was
// then killed: core/media/true_size.h.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_TRUE_SIZE_H_
#define NVDIMMFS_BACKENDS_TRUE_SIZE_H_

#include <cstdint>
#include <string>

namespace nvdimmfs::backends {

// The number of bytes of the file of `fd` that belong to the image. Less than `size`, the size of
// the file, if the file has the attribute: then the surplus is ignored but kept, and the log names
// the command that cuts it off.
uint64_t TrueSizeOf(int fd, const std::string& path, uint64_t size);

// Removes the attribute: the file has its true size.
void ForgetTrueSize(int fd);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_TRUE_SIZE_H_
