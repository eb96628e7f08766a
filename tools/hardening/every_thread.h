// SPDX-License-Identifier: Apache-2.0
// Runs a function once in every thread of the process, since capabilities, no_new_privs and
// Landlock belong to a thread.
#ifndef NVDIMMFS_TOOLS_HARDENING_EVERY_THREAD_H_
#define NVDIMMFS_TOOLS_HARDENING_EVERY_THREAD_H_

namespace nvdimmfs::hardening {

// `act` runs in the calling thread first, and in the others in a handler of
// core::ThreadSignal(): it must be async-signal-safe. It returns 0 or an errno. A thread that
// starts meanwhile runs it too, perhaps in addition to its creator.
//
// Returns 0, the first error, ENOENT if /proc does not show the threads, or ETIME if a thread did
// not run it within two seconds because it blocks the signal. One call at a time.
int OnEveryThread(int (*act)(void* argument), void* argument);

}  // namespace nvdimmfs::hardening

#endif  // NVDIMMFS_TOOLS_HARDENING_EVERY_THREAD_H_
