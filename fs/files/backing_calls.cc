// SPDX-License-Identifier: Apache-2.0
#include "fs/files/backing_calls.h"

#include <linux/fuse.h>
#include <sys/ioctl.h>

namespace nvdimmfs::fs {
namespace {

// Part of the protocol, but newer than the headers of Linux 6.1.
struct BackingMap {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
constexpr auto kBackingOpen = _IOW(FUSE_DEV_IOC_MAGIC, 1, BackingMap);
constexpr auto kBackingClose = _IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t);

}  // namespace

int32_t BackingCalls::OpenBacking(int device, int file) {
  BackingMap map = {.fd = file, .flags = 0, .padding = 0};
  return ioctl(device, kBackingOpen, &map);
}

void BackingCalls::CloseBacking(int device, int32_t backing) {
  auto number = static_cast<uint32_t>(backing);
  ioctl(device, kBackingClose, &number);
}

}  // namespace nvdimmfs::fs
