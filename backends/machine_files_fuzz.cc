// SPDX-License-Identifier: Apache-2.0
// Hostile files of the machine and of this program's own runs: `badblocks` of sysfs, and the log of
// stores of `nvdimmfs crash`. Whatever is in them, reading ends, marks no byte outside the media,
// and takes no more memory than a store may have.
//
// The input: a byte that chooses the file, then its contents.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backends/machine_badblocks.h"
#include "backends/store_log.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "core/testing/fuzz_input.h"

namespace nvdimmfs::backends {
namespace {

using core::Demand;

void ReadBadblocks(absl::string_view listing, uint64_t base) {
  constexpr uint64_t kSize = 1 << 20;
  core::MemoryMedia media(kSize);
  TakeBadblocks(listing, base, {base + 4096, kSize}, media);
  for (const core::Range& bad : media.BadRanges())
    Demand(!bad.empty() && core::Fits(bad.start, bad.size, kSize), "bad bytes within the media");
}

void ReadStoreLog(absl::string_view log) {
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  Demand(fd >= 0, "memfd_create");
  Demand(write(fd, log.data(), log.size()) == static_cast<ssize_t>(log.size()), "write");
  auto reader = StoreLogReader::Open(absl::StrCat("/proc/self/fd/", fd));
  Demand(reader.ok(), "a file that can be opened");
  size_t records = 0;
  for (auto record = reader->Next(); record.ok(); record = reader->Next()) {
    Demand(record->kind <= StoreRecord::kFlush, "the kind of a record");
    Demand(reader->data().size() <= log.size(), "no more bytes than the file has");
    Demand(++records <= log.size() / sizeof(StoreRecord), "no more records than the file has");
    if (record->kind == StoreRecord::kEnd || record->kind == StoreRecord::kTooLong) break;
  }
  close(fd);
}

}  // namespace
}  // namespace nvdimmfs::backends

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      nvdimmfs::backends::ReadBadblocks(text, 0);
      break;
    case 1:
      nvdimmfs::backends::ReadBadblocks(text, uint64_t{4} << 30);
      break;
    default:
      nvdimmfs::backends::ReadStoreLog(text);
  }
  return 0;
}
