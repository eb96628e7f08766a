// SPDX-License-Identifier: Apache-2.0
#include "core/model/io_counts.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSector = 512;

}  // namespace

std::string IoCounts::StatText() const {
  const auto part = [this](IoKind kind) {
    return absl::StrFormat("%8u %8u %8u %8u ", of(kind).times, 0, of(kind).bytes / kSector, 0);
  };
  return absl::StrCat(part(IoKind::kRead), part(IoKind::kWrite),
                      absl::StrFormat("%8u %8u %8u ", 0, 0, 0), part(IoKind::kDiscard),
                      absl::StrFormat("%8u %8u\n", of(IoKind::kFlush).times, 0));
}

std::string IoCounts::Text() const {
  return absl::StrCat("reads ", of(IoKind::kRead).times, "\nread_bytes ", of(IoKind::kRead).bytes,
                      "\nwrites ", of(IoKind::kWrite).times, "\nwritten_bytes ",
                      of(IoKind::kWrite).bytes, "\ndiscards ", of(IoKind::kDiscard).times,
                      "\ndiscarded_bytes ", of(IoKind::kDiscard).bytes, "\nflushes ",
                      of(IoKind::kFlush).times, "\nerrors ", of(IoKind::kError).times, "\n");
}

}  // namespace nvdimmfs::core
