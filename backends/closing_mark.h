// SPDX-License-Identifier: Apache-2.0
// "This file is being closed": the mark of an nvdimmfs whose mount is gone but which still writes
// to disk. The next nvdimmfs then waits instead of being refused.
//
// The mark is an open file description lock (fcntl F_OFD_SETLK) on one byte far past the end of any
// file. The kernel keeps it for as long as the file is open, shows it to every user and in every
// namespace, and drops it however the process ends. File systems without such locks have no mark.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_CLOSING_MARK_H_
#define NVDIMMFS_BACKENDS_CLOSING_MARK_H_

#include <string>

namespace nvdimmfs::backends {

// Sets the mark, until the last duplicate of `fd` is closed.
void MarkClosing(int fd);
// Waits while another process that has the file open is closing it, for as long as that takes;
// after a second it logs that, with `path`. Returns whether there was such a process.
bool AwaitClosing(int fd, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_CLOSING_MARK_H_
