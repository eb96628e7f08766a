// SPDX-License-Identifier: Apache-2.0
// The signal by which a program runs code in each of its threads (tools/hardening/every_thread.h).
// No thread blocks it.
#ifndef NVDIMMFS_CORE_BASE_THREAD_SIGNAL_H_
#define NVDIMMFS_CORE_BASE_THREAD_SIGNAL_H_

#include <signal.h>

namespace nvdimmfs::core {

inline int ThreadSignal() { return SIGRTMAX; }

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_THREAD_SIGNAL_H_
