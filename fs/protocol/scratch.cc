// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/scratch.h"

#include <memory>

#include "fs/protocol/huge_buffer.h"
#include "fs/protocol/wire.h"

namespace nvdimmfs::fs {
namespace {

// Bytes: reads of this length or more are copied first. The kernel pins each page that it sends
// from; for scattered media pages that are no longer in the CPU's cache, that costs more than the
// copy.
constexpr size_t kCopied = 16 * 1024;

}  // namespace

OpenFile::Scratch ScratchFor(const RequestContext& context, size_t size) {
  if (const absl::Span<std::byte> room = context.room(); !room.empty())
    return {.room = room, .copies = true};
  if (size >= kCopied) {
    thread_local const HugeBuffer large(kMaxTransfer + OpenFile::kScratchSlack);
    return {.room = large.bytes(), .copies = true};
  }
  // Aligned; otherwise the kernel must pin one more page.
  struct alignas(4096) Page {
    std::byte bytes[4096];
  };
  constexpr size_t kPages = (kCopied + OpenFile::kScratchSlack) / sizeof(Page);
  thread_local const std::unique_ptr<Page[]> small(new Page[kPages]);
  return {.room = {small[0].bytes, kPages * sizeof(Page)}};
}

}  // namespace nvdimmfs::fs
