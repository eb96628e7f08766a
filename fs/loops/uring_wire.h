// SPDX-License-Identifier: Apache-2.0
// FUSE over io_uring (Linux 6.14): what linux/fuse.h of Linux 6.1 lacks.
//
// There is a queue for each CPU that the machine may have; a request goes to the queue of the CPU
// on which the requester runs. A queue has entries. REGISTER gives the kernel an entry's memory, in
// two parts: UringHeader, and the payload. The command completes with a request in that memory:
//
//   UringHeader.in_out   fuse_in_header
//   UringHeader.op_in    the request's own structure: the first argument
//   payload              the other arguments: names, data to write
//
// COMMIT_AND_FETCH says that the answer is there, fuse_out_header in in_out and all else in the
// payload, and completes with the entry's next request. Once every queue has an entry, requests no
// longer come by read(2) of /dev/fuse, except for those without an answer (forgets, interrupts);
// what the daemon sends unsolicited (notifications) is written to /dev/fuse as before.
//
// Source: include/uapi/linux/fuse.h of protocol 7.42,
// Documentation/filesystems/fuse/fuse-io-uring.rst.
#ifndef NVDIMMFS_FS_LOOPS_URING_WIRE_H_
#define NVDIMMFS_FS_LOOPS_URING_WIRE_H_

#include <cstddef>
#include <cstdint>

namespace nvdimmfs::fs {

constexpr uint32_t kOverIoUring = 1u << 9;  // of INIT's flags2: FUSE_OVER_IO_URING

enum class UringCommand : uint32_t { kRegister = 1, kCommitAndFetch = 2 };

// In the command's 80 bytes of a 128-byte submission.
struct UringCommandData {
  uint64_t flags;      // 0
  uint64_t commit_id;  // of the entry's request; REGISTER: 0
  uint16_t queue;      // the CPU's number
  uint8_t padding[6];
};
static_assert(sizeof(UringCommandData) == 24);

struct UringEntryState {
  uint64_t flags;
  uint64_t commit_id;     // names the request in COMMIT_AND_FETCH
  uint32_t payload_size;  // bytes; of the request, then of the answer
  uint32_t padding;
  uint64_t reserved;
};
static_assert(sizeof(UringEntryState) == 32);

struct UringHeader {
  std::byte in_out[128];
  std::byte op_in[128];
  UringEntryState entry;
};
static_assert(sizeof(UringHeader) == 288 && offsetof(UringHeader, entry) == 256);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_URING_WIRE_H_
