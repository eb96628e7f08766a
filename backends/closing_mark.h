// SPDX-License-Identifier: Apache-2.0
// "This file is being closed": what an nvdimmfs whose mount is gone says to the next one while it
// still writes to disk, so that the next waits instead of being refused.
//
// The mark is an open file description lock (fcntl F_OFD_SETLK) on one byte that no file has. The
// kernel keeps it for as long as the file is open, shows it to every user and in every namespace,
// and drops it however the process ends. File systems without such locks have no mark.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_CLOSING_MARK_H_
#define NVDIMMFS_BACKENDS_CLOSING_MARK_H_

#include <string>

namespace nvdimmfs::backends {

// Until the last duplicate of `fd` is closed.
void MarkClosing(int fd);
// Waits while somebody who has the file open otherwise than by `fd` is closing it, for as long as
// that takes; the log says so after a second. `path` is for that. Whether there was anybody.
bool AwaitClosing(int fd, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_CLOSING_MARK_H_
