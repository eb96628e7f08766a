// SPDX-License-Identifier: Apache-2.0
/* How a control command (an ioctl of /dev/nmemN or /dev/ndctlN) travels through a command file,
 * x/ioctl of its device: the client writes a request and reads the reply, both at an offset whose
 * upper 32 bits name the caller (its thread's number, not 0), so that callers that share one open
 * file do not meet. A transfer may come in pieces, in order.
 *
 * Plain C, native byte order: both ends are on one machine. */
#ifndef NVDIMMFS_FS_FILES_COMMAND_WIRE_H_
#define NVDIMMFS_FS_FILES_COMMAND_WIRE_H_

#include <stdint.h>

#define NVDIMMFS_COMMAND_MAGIC 0x4d434e4eu /* "NNCM" */
/* The longest payload; a longer one is announced by its length and not sent. */
#define NVDIMMFS_COMMAND_LIMIT (4u << 20)
#define NVDIMMFS_COMMAND_SHIFT 32 /* of the caller in an offset */

struct nvdimmfs_command_request {
  uint32_t magic;
  uint32_t nr;        /* command number: the lowest byte of the ioctl's */
  uint32_t may_write; /* whether the caller's descriptor is open for writing */
  uint32_t length;    /* bytes of payload that follow, if within the limit */
};

struct nvdimmfs_command_reply {
  int32_t result;  /* what ioctl(2) returns, or minus the errno */
  uint32_t length; /* bytes of payload that follow: the caller's buffer as it is to be */
};

#endif /* NVDIMMFS_FS_FILES_COMMAND_WIRE_H_ */
