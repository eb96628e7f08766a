// SPDX-License-Identifier: Apache-2.0
// Whether the locks of this program are checked for their order.
//
// Abseil can follow the order in which all threads take all mutexes, and end the program at the
// first cycle, even if no thread waits. Debian builds it so that this is on by default, which unit
// tests rely on (lock_order_test.cc checks it). It takes one lock for all threads, so the programs
// turn it off, unless a test asks for it.
#ifndef NVDIMMFS_TOOLS_LOCK_ORDER_LOCK_ORDER_H_
#define NVDIMMFS_TOOLS_LOCK_ORDER_LOCK_ORDER_H_

namespace nvdimmfs::tools {

// Set to "abort" by `bazel test` (.bazelrc), so that programs under test check their locks, too.
inline constexpr char kLockOrderVariable[] = "NVDIMMFS_LOCK_ORDER";

// Call it at the start of main. Locks are checked if the environment says so; otherwise from now on
// they are not.
void ChooseLockOrderChecks();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LOCK_ORDER_LOCK_ORDER_H_
