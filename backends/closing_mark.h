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

namespace nvdimmfs::backends {

// Until the last duplicate of `fd` is closed.
void MarkClosing(int fd);
// Whether somebody who has the file open otherwise than by `fd` is closing it.
bool IsBeingClosed(int fd);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_CLOSING_MARK_H_
