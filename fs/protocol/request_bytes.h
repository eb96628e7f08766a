// SPDX-License-Identifier: Apache-2.0
// What is read from a request before libfuse parses it.
//
// Thread rules: any thread. A request comes from the kernel, so a file handle in it is one of ours;
// lengths are checked.
#ifndef NVDIMMFS_FS_PROTOCOL_REQUEST_BYTES_H_
#define NVDIMMFS_FS_PROTOCOL_REQUEST_BYTES_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "fs/files/open_file.h"

namespace nvdimmfs::fs {

// The number by which the kernel names an open file.
inline uint64_t HandleOf(const OpenFile* file) { return reinterpret_cast<uint64_t>(file); }
inline OpenFile* FileOfHandle(uint64_t handle) { return reinterpret_cast<OpenFile*>(handle); }

bool IsInit(absl::Span<const std::byte> request);
// What an INIT request offers; zeros for what a short request lacks.
struct InitOffer {
  uint32_t major = 0;  // of the kernel's protocol
  uint32_t minor = 0;
  uint32_t flags2 = 0;  // 0 unless flags has FUSE_INIT_EXT
};
InitOffer OfferOf(absl::Span<const std::byte> request);

// Whether handling the request may wait. Flushes wait for a device, attributes for the
// configuration lock while something is being changed (`changing`). Data I/O is a copy in memory,
// and names are in the tree.
bool MayWait(absl::Span<const std::byte> request, bool changing);

// The thread that waits for the reply; or the file, if the kernel admits only one thread at a time
// to it. 0 if nothing waits.
uint32_t RequesterOf(absl::Span<const std::byte> request);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_REQUEST_BYTES_H_
