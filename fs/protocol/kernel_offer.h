// SPDX-License-Identifier: Apache-2.0
// What the running kernel's FUSE offers, as its INIT request says. A version number is not enough:
// features depend on the kernel's configuration and on module parameters.
//
// Source: include/uapi/linux/fuse.h.
// Thread rules: any thread. AskKernel forks, so a program should call it while it has one thread.
#ifndef NVDIMMFS_FS_PROTOCOL_KERNEL_OFFER_H_
#define NVDIMMFS_FS_PROTOCOL_KERNEL_OFFER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace nvdimmfs::fs {

struct KernelOffer {
  uint32_t major = 0;  // of the protocol: 7.38
  uint32_t minor = 0;
  uint64_t features = 0;  // INIT's flags; flags2 in the upper half
};

// The offer in an INIT request as read from /dev/fuse; nothing if it is another request or too
// short.
std::optional<KernelOffer> OfferIn(absl::Span<const std::byte> request);

// Receives the kernel's INIT request, in a child process, through a file system that is never
// attached to any directory and is gone when this returns. Without CAP_SYS_ADMIN the child uses a
// user namespace. Takes at most a second. Error: the errno and the step that failed, such as
// opening /dev/fuse.
absl::StatusOr<KernelOffer> AskKernel();

// "7.38 offers async_dio, cache_symlinks; does not offer passthrough", with the features that a
// mount uses.
std::string OfferText(const KernelOffer& offer);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_KERNEL_OFFER_H_
