// SPDX-License-Identifier: Apache-2.0
// The FUSE protocol as this mount uses it: its limits, and what is newer than the headers of Linux
// 6.1 and libfuse 3.14.
//
// Source: include/uapi/linux/fuse.h.
#ifndef NVDIMMFS_FS_PROTOCOL_WIRE_H_
#define NVDIMMFS_FS_PROTOCOL_WIRE_H_

#include <cstddef>
#include <cstdint>

namespace nvdimmfs::fs {

constexpr size_t kMaxTransfer = 1 << 20;                // bytes of one read or write
constexpr size_t kRequestBuffer = kMaxTransfer + 4096;  // bytes: a write and its headers

// INIT, flags2.
constexpr uint32_t kDirectIoAllowMmap = 1u << 4;  // FUSE_DIRECT_IO_ALLOW_MMAP, Linux 6.6
constexpr uint32_t kPassthrough = 1u << 5;        // FUSE_PASSTHROUGH, Linux 6.9
constexpr uint32_t kStackDepth = 1;  // max_stack_depth: a backing file is on no stacked file system

// OPEN, open_flags.
constexpr uint32_t kOpenPassthrough = 1u << 7;  // FOPEN_PASSTHROUGH, Linux 6.9

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_WIRE_H_
