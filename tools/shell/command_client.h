// SPDX-License-Identifier: Apache-2.0
/* Forwards an ioctl of /dev/nmemN or /dev/ndctlN to the daemon: the client side of
 * fs/files/command_wire.h, for the preloaded library and for the real nodes (control_nodes.h).
 *
 * Plain C. No lock, no allocation: safe wherever ioctl(2) is. */
#ifndef NVDIMMFS_TOOLS_SHELL_COMMAND_CLIENT_H_
#define NVDIMMFS_TOOLS_SHELL_COMMAND_CLIENT_H_

#include <stdbool.h>
#include <stdint.h>

#include "fs/files/command_wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Length in bytes of the caller's buffer for command `nr` of a DIMM (else of a bus), as far as its
 * first `have` bytes tell; the ioctl's number does not tell it. If the result is more than `have`,
 * ask again with that many bytes, unless it is over NVDIMMFS_COMMAND_LIMIT: a command of such a
 * length is refused unread. The caller may have written any sizes. Source: uapi <linux/ndctl.h>. */
uint64_t nvdimmfs_command_length(bool dimm, unsigned nr, const void* buffer, uint64_t have);

/* Runs a command through `file`, an open command file, with a buffer of `length` bytes for input
 * and output; the buffer is not touched if `length` is over the limit. Returns the result of
 * ioctl(2), or the negative errno. */
int nvdimmfs_command_run(int file, unsigned nr, bool may_write, void* buffer, uint64_t length);

#ifdef __cplusplus
}
#endif

#endif /* NVDIMMFS_TOOLS_SHELL_COMMAND_CLIENT_H_ */
