// SPDX-License-Identifier: Apache-2.0
// The bytes of a fuzzer's input, taken from the front as numbers and pieces. What is missing reads
// as zeros, so every input means something.
//
// Thread rules: one thread.
#ifndef NVDIMMFS_CORE_TESTING_FUZZ_INPUT_H_
#define NVDIMMFS_CORE_TESTING_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class FuzzInput {
 public:
  // The bytes must outlive this.
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  // Little-endian.
  template <typename Number>
  Number Take() {
    Number number = 0;
    for (size_t i = 0; i < sizeof number && !rest_.empty(); ++i) {
      number = static_cast<Number>(number | static_cast<Number>(static_cast<uint8_t>(rest_[0]))
                                                << (8 * i));
      rest_.remove_prefix(1);
    }
    return number;
  }
  uint8_t Byte() { return Take<uint8_t>(); }
  // One of 0 to `count` - 1; 0 if there are none.
  size_t Index(size_t count) { return count == 0 ? 0 : Byte() % count; }
  // A length of one byte, and so many bytes, or as many as there are.
  absl::string_view Piece() { return Piece(Byte()); }
  absl::string_view Piece(size_t length) {
    const absl::string_view piece = rest_.substr(0, std::min(length, rest_.size()));
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  absl::string_view rest_;
};

// Ends the program, so that the fuzzer keeps the input, unless `condition` holds.
inline void Demand(bool condition, absl::string_view what) {
  if (condition) return;
  std::fprintf(stderr, "demanded: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// The same for what a check of core/testing/document_faults.h returns.
inline void DemandNoFault(const std::string& fault, absl::string_view what,
                          absl::string_view text) {
  if (fault.empty()) return;
  std::fprintf(stderr, "%.*s: %s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               fault.c_str(), static_cast<int>(std::min<size_t>(text.size(), 20000)), text.data());
  std::abort();
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_TESTING_FUZZ_INPUT_H_
