// SPDX-License-Identifier: Apache-2.0
// What an input writes to an attribute: its own bytes, or a text that gets past a parser more often
// than a fuzzer finds one.
#ifndef NVDIMMFS_TESTS_FUZZ_WRITTEN_TEXT_H_
#define NVDIMMFS_TESTS_FUZZ_WRITTEN_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/testing/fuzz_input.h"

namespace nvdimmfs::fuzz {

// `names` are those of devices. One byte of the input is the kind of text.
inline std::string WrittenText(core::FuzzInput& input, const std::vector<std::string>& names) {
  constexpr const char* kNumbers[] = {"0",          "1",        "2",        "512",
                                      "520",        "4096",     "0x1000",   "2097152",
                                      "16777216",   "33554432", "67108864", "83886080",
                                      "1073741824", "-1",       "0777",     "18446744073709551615"};
  constexpr const char* kLines[] = {"size=16M mode=raw", "size=16M mode=fsdax align=4K",
                                    "mode=devdax map=mem", "size=20M mode=sector sector_size=512",
                                    "name='a b'"};
  switch (input.Byte() % 6) {
    case 0:
      return std::string(input.Piece());
    case 1:
      return absl::StrCat(kNumbers[input.Index(std::size(kNumbers))], "\n");
    case 2:
      return absl::StrCat("11111111-2222-3333-4444-", absl::Dec(input.Byte(), absl::kZeroPad12));
    case 3:
      return names.empty() ? "" : names[input.Index(names.size())];
    case 4:
      return absl::StrCat(kLines[input.Index(std::size(kLines))], " ", input.Piece());
    default:
      return std::string(input.Take<uint16_t>(), static_cast<char>(input.Byte()));
  }
}

}  // namespace nvdimmfs::fuzz

#endif  // NVDIMMFS_TESTS_FUZZ_WRITTEN_TEXT_H_
