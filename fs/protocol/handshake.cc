// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/handshake.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "fs/loops/uring_wire.h"
#include "fs/protocol/wire.h"

namespace nvdimmfs::fs {
namespace {

constexpr unsigned kBackgroundRequests = 256;

// max_stack_depth follows flags2; headers older than Linux 6.9 have unused words there.
void SetStackDepth(fuse_init_out& reply, uint32_t depth) {
  constexpr size_t kOffset = offsetof(fuse_init_out, flags2) + sizeof reply.flags2;
  static_assert(sizeof reply >= kOffset + sizeof depth);
  std::memcpy(reinterpret_cast<char*>(&reply) + kOffset, &depth, sizeof depth);
}

void LogAgreement(const InitOffer& offered, const fuse_init_out& reply, uint32_t taken) {
  std::string features;
  const auto add = [&](uint32_t flag, const char* name) {
    if ((taken & flag) != 0) absl::StrAppend(&features, features.empty() ? "" : ", ", name);
  };
  add(kDirectIoAllowMmap, "direct_io_allow_mmap");
  add(kPassthrough, "passthrough");
  add(kOverIoUring, "over_io_uring");
  core::Log(core::LogLevel::kDebug, "fuse.agreed",
            absl::StrCat("the kernel offers FUSE ", offered.major, ".", offered.minor,
                         ", libfuse answers ", reply.major, ".", reply.minor, "; agreed on: ",
                         features.empty() ? "nothing newer than libfuse 3.14" : features));
}

}  // namespace

void AskFor(fuse_conn_info& connection) {
  // Sizes never change, and nothing else writes: the kernel need not doubt its pages at every read,
  // and O_TRUNC is a setattr that changes nothing instead of an open that empties the file in its
  // eyes.
  connection.want &= ~(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC |
                       FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                       FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
  connection.want |= connection.capable &
                     (FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS);
  connection.max_write = kMaxTransfer;
  connection.max_background = kBackgroundRequests;
  connection.congestion_threshold = kBackgroundRequests * 3 / 4;
}

void Handshake::Complete(struct iovec* parts, int count) const {
  if (count != 2 || parts[1].iov_len < sizeof(fuse_init_out)) return;
  auto* reply = static_cast<fuse_init_out*>(parts[1].iov_base);
  uint32_t taken = 0;
  if ((offered.flags2 & kDirectIoAllowMmap) != 0) {
    taken |= kDirectIoAllowMmap;
    mount.set_direct_is_coherent();
  }
  if ((offered.flags2 & kPassthrough) != 0 && mount.passthrough().wanted()) {
    taken |= kPassthrough;
    SetStackDepth(*reply, kStackDepth);
    mount.passthrough().Enable(device);
  }
  if (prepare_uring(*reply)) taken |= kOverIoUring;
  if (debug) LogAgreement(offered, *reply, taken);
  if (taken == 0) return;
  reply->flags |= FUSE_INIT_EXT;
  reply->flags2 |= taken;
}

}  // namespace nvdimmfs::fs
