// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/open_reply.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fs/protocol/wire.h"

namespace nvdimmfs::fs {
namespace {

// Everything that changes a data file's bytes goes through its pages or has them dropped, so they
// stay good from one open to the next.
uint32_t OrdinaryFlags(const OpenFile& file, bool pages_stale, bool direct_is_coherent) {
  if (file.node().kind == NodeKind::kAttribute) return FOPEN_DIRECT_IO;
  const uint32_t keep = file.keeps_pages() && !pages_stale ? FOPEN_KEEP_CACHE : 0;
  if (file.caching() == OpenFile::Caching::kPages || !direct_is_coherent) return keep;
  return keep | FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
}

// The last field: padding in headers older than Linux 6.9, backing_id in newer ones.
void SetBacking(fuse_open_out& reply, int32_t backing) {
  static_assert(sizeof reply == offsetof(fuse_open_out, open_flags) + 2 * sizeof backing);
  char* const last = reinterpret_cast<char*>(&reply) + sizeof reply - sizeof backing;
  std::memcpy(last, &backing, sizeof backing);
}

}  // namespace

fuse_open_out OpenReply(const OpenFile& file, const Passthrough::Way& way,
                        bool direct_is_coherent) {
  fuse_open_out reply = {};
  switch (way.kind) {
    case Passthrough::Way::Kind::kOrdinary:
      reply.open_flags = OrdinaryFlags(file, way.pages_stale, direct_is_coherent);
      return reply;
    case Passthrough::Way::Kind::kPassthrough:
      reply.open_flags = kOpenPassthrough;
      break;
    case Passthrough::Way::Kind::kUncached:
      reply.open_flags = kOpenPassthrough | FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
      break;
  }
  SetBacking(reply, way.backing);
  return reply;
}

}  // namespace nvdimmfs::fs
