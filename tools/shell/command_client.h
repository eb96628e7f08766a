/* Who carries an ioctl of /dev/nmemN or /dev/ndctlN to the daemon: the client's end of
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

/* Bytes of the caller's buffer that belong to command `nr` of a DIMM (else of a bus), as far as the
 * first `have` bytes tell: the ioctl's number does not. While the answer is more than `have`, more
 * of the buffer is to be looked at, unless it is over NVDIMMFS_COMMAND_LIMIT: so long a command is
 * refused unseen. The sizes are the caller's, of any value; source: uapi <linux/ndctl.h>. */
uint64_t nvdimmfs_command_length(bool dimm, unsigned nr, const void* buffer, uint64_t have);

/* Carries out a command with a buffer of `length` bytes (input and output; not looked at where
 * `length` is over the limit) through `file`, an open command file. What ioctl(2) returns, or minus
 * the errno. */
int nvdimmfs_command_run(int file, unsigned nr, bool may_write, void* buffer, uint64_t length);

#ifdef __cplusplus
}
#endif

#endif /* NVDIMMFS_TOOLS_SHELL_COMMAND_CLIENT_H_ */
