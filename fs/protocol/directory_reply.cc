// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/directory_reply.h"

#include <linux/fuse.h>
#include <sys/stat.h>

namespace nvdimmfs::fs {
namespace {

// Bytes that an entry takes in the kernel's buffer.
size_t PackedSize(const DirectoryEntry& entry) {
  return (FUSE_NAME_OFFSET + entry.name.size() + 7) / 8 * 8;
}

size_t CountThatFit(const std::vector<DirectoryEntry>& entries, size_t size) {
  size_t fit = 0, used = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    used += PackedSize(entries[i]);
    if (used > size) break;
    if (i + 1 == entries.size() || entries[i + 1].offset != entries[i].offset) fit = i + 1;
  }
  return fit;
}

mode_t TypeOf(NodeKind kind) {
  if (kind == NodeKind::kDirectory) return S_IFDIR;
  return kind == NodeKind::kLink ? S_IFLNK : S_IFREG;
}

}  // namespace

absl::StatusOr<std::vector<char>> DirectoryReply(fuse_req_t request,
                                                 const std::vector<DirectoryEntry>& entries,
                                                 size_t size) {
  const size_t fit = CountThatFit(entries, size);
  if (fit == 0 && !entries.empty()) return absl::InvalidArgumentError("directory buffer too small");
  std::vector<char> buffer(size);
  size_t used = 0;
  for (size_t i = 0; i < fit; ++i) {
    struct stat stat = {};
    stat.st_ino = entries[i].ino;
    stat.st_mode = TypeOf(entries[i].kind);
    used += fuse_add_direntry(request, buffer.data() + used, buffer.size() - used,
                              entries[i].name.c_str(), &stat,
                              static_cast<off_t>(entries[i].next_offset));
  }
  buffer.resize(used);
  return buffer;
}

}  // namespace nvdimmfs::fs
