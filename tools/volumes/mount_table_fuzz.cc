// SPDX-License-Identifier: Apache-2.0
// Hostile lines of mountinfo: users choose the names of mount points and sources. A line is parsed,
// or counts as malformed; parsed places are absolute, as the kernel shows them.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/testing/fuzz_input.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

void TryLine(absl::string_view line) {
  const auto entry = ParseMountLine(line);
  if (!entry) return;
  core::Demand(entry->place.size() <= line.size() && entry->root.size() <= line.size() &&
                   entry->source.size() <= line.size() && entry->type.size() <= line.size(),
               "no field is longer than the line");
  core::Demand(IsWithin(entry->place, entry->place), "a place is within itself");
  core::Demand(IsWithin(entry->place + "/x", entry->place), "and has places below it");
  core::Demand(!IsWithin(entry->place + "x", entry->place) || entry->place.back() == '/',
               "a longer name is another place");
}

}  // namespace
}  // namespace nvdimmfs::volumes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nvdimmfs::volumes::TryLine;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  TryLine(text);
  // Within what the kernel writes around the names.
  TryLine(absl::StrCat("36 35 98:0 / /mnt/", text, " rw - ext4 /dev/x rw"));
  return 0;
}
