// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/request_bytes.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace nvdimmfs::fs {
namespace {

constexpr uint32_t kRequesterIsFile = 1u << 31;  // thread numbers are smaller

std::optional<fuse_in_header> HeaderOf(absl::Span<const std::byte> request) {
  fuse_in_header header;
  if (request.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, request.data(), sizeof header);
  return header;
}

// The file that a request of the structure `Request` is for.
template <typename Request>
const OpenFile* FileOf(absl::Span<const std::byte> request) {
  Request in;
  if (request.size() < sizeof(fuse_in_header) + sizeof in) return nullptr;
  std::memcpy(&in, request.data() + sizeof(fuse_in_header), sizeof in);
  return FileOfHandle(in.fh);
}

}  // namespace

bool IsInit(absl::Span<const std::byte> request) {
  const std::optional<fuse_in_header> header = HeaderOf(request);
  return header && header->opcode == FUSE_INIT;
}

InitOffer OfferOf(absl::Span<const std::byte> request) {
  fuse_init_in init = {};
  request.remove_prefix(std::min(sizeof(fuse_in_header), request.size()));
  if (!request.empty())  // memcpy takes no null pointer, not even for no bytes
    std::memcpy(&init, request.data(), std::min(sizeof init, request.size()));
  return {.major = init.major,
          .minor = init.minor,
          .flags2 = (init.flags & FUSE_INIT_EXT) != 0 ? init.flags2 : 0};
}

bool MayWait(absl::Span<const std::byte> request, bool changing) {
  const std::optional<fuse_in_header> header = HeaderOf(request);
  if (!header) return true;
  const OpenFile* file = nullptr;
  switch (header->opcode) {
    case FUSE_LOOKUP:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_GETATTR:
    case FUSE_READLINK:
    case FUSE_STATFS:
    case FUSE_OPEN:
    case FUSE_OPENDIR:
    case FUSE_READDIR:
    case FUSE_RELEASEDIR:
      return false;
    case FUSE_RELEASE:
      file = FileOf<fuse_release_in>(request);
      return file == nullptr || file->node().kind != NodeKind::kAttribute;
    case FUSE_READ:
      file = FileOf<fuse_read_in>(request);
      if (file != nullptr && file->is_shown()) return changing;
      break;
    case FUSE_WRITE:
      file = FileOf<fuse_write_in>(request);
      break;
  }
  return file == nullptr || !file->is_quick();
}

uint32_t RequesterOf(absl::Span<const std::byte> request) {
  const std::optional<fuse_in_header> header = HeaderOf(request);
  if (!header) return 0;
  switch (header->opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      return 0;
    case FUSE_WRITE:
      // Through the page cache the kernel writes to a file for one thread at a time: two that take
      // turns there count as one.
      if (const OpenFile* file = FileOf<fuse_write_in>(request);
          file != nullptr && file->caching() == OpenFile::Caching::kPages)
        return kRequesterIsFile | static_cast<uint32_t>(header->nodeid);
      return header->pid;
    default:
      return header->pid;
  }
}

}  // namespace nvdimmfs::fs
